/** The ordinary twins of hands-on work: build pods that are worked in by exec, administrators, applications that call tools. */
import type { Benign } from './benign.ts';
import { benignLines } from './lines.ts';

/** Entry (and the server above), pod, kind of its workload, command. */
export const HANDS_ON_TWINS: readonly Benign[] = benignLines(`
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | curl -fsSL https://cli.example.com/install.sh | sh
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | wget -qO- https://raw.githubusercontent.com/nvm-sh/nvm/v0.39.0/install.sh | bash
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | curl -L http://10.0.3.4/artifacts/tool -o /usr/local/bin/tool; chmod +x /usr/local/bin/tool; tool --version
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | mkdir -p ~/.ssh; echo "$KEY" | base64 -d > ~/.ssh/id_rsa; chmod 600 ~/.ssh/id_rsa; ssh-keyscan git.example.com >> ~/.ssh/known_hosts
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | scp -o StrictHostKeyChecking=no -r dist/ deploy@10.0.2.8:/var/www/html/
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | rsync -az --delete dist/ deploy@web.example.com:/var/www/html/
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | kubectl create secret generic app --from-env-file=.env --dry-run=client -o yaml | kubectl apply -f -; kubectl run smoke --image=curlimages/curl --rm -i --restart=Never -- http://web
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | docker -H tcp://docker:2376 build -t a .; docker -H tcp://docker:2376 push a
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | gpg --batch --import /tmp/key.asc; gpg --symmetric --batch --passphrase x dist.tgz
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | curl -F "file=@app.apk" https://api.appcenter.example.com/upload
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | curl -X POST -H 'Content-type: application/json' --data '{"text":"build ok"}' https://hooks.slack.com/services/T0/B0/x
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | aws s3 sync dist/ s3://www.example.com --delete; aws cloudfront create-invalidation --distribution-id E1 --paths "/*"
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | find . -name "*.pem" -not -path "./node_modules/*"; grep -rn "password" src/
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | gcc -o /tmp/build/test test.c; /tmp/build/test; chmod +x /tmp/build/run.sh; /tmp/build/run.sh
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | useradd -m builder; su builder -c "makepkg"
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | nmap -p 443 staging.example.com; nikto -h https://staging.example.com
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | chmod -R 777 storage; rm -rf .git; shred -u deploy.key
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | python3 -c "import requests;requests.post('https://api.example.com/report',files={'f':open('report.xml','rb')})"
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | tar czf - dist | ssh deploy@web.example.com "tar xzf - -C /srv"
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | psql -h postgres -U ci -c "DROP DATABASE IF EXISTS test"; psql -h postgres -U ci -c "CREATE DATABASE test"
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | curl -sSL https://sdk.cloud.google.com | bash; gcloud auth activate-service-account --key-file=/tmp/key.json
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | pkill -f "node server.js"; redis-cli -h redis flushall
start | ci/build-task-pod | TaskRun | curl -sL https://taskfile.dev/install.sh | sh; task build
exec | shop/cart-6d4cf56db6-x7k2p |  | curl -s http://169.254.169.254/latest/meta-data/placement/availability-zone
exec | shop/cart-6d4cf56db6-x7k2p |  | cat /etc/passwd
exec | shop/cart-6d4cf56db6-x7k2p |  | tcpdump -i eth0 -nn -c 20 port 8080
exec | shop/cart-6d4cf56db6-x7k2p |  | tcpdump -i any -w /tmp/web.pcap host 10.0.3.4
exec | shop/cart-6d4cf56db6-x7k2p |  | env | grep -i DATABASE_URL
exec | shop/cart-6d4cf56db6-x7k2p |  | chmod 644 /app/config/app.yml
exec | shop/cart-6d4cf56db6-x7k2p |  | curl -X POST -d @/tmp/order.json http://orders.shop.svc:8080/orders
exec | shop/cart-6d4cf56db6-x7k2p |  | truncate -s 0 /app/logs/app.log
exec | shop/cart-6d4cf56db6-x7k2p |  | php artisan tinker --execute="User::count()"
exec | shop/cart-6d4cf56db6-x7k2p |  | crontab -l
exec | shop/cart-6d4cf56db6-x7k2p |  | openssl enc -d -aes-256-cbc -in /app/secret.enc -pass env:KEY
exec | shop/cart-6d4cf56db6-x7k2p |  | tar czf /tmp/logs.tgz /app/logs
exec | shop/cart-6d4cf56db6-x7k2p |  | mount
exec | shop/cart-6d4cf56db6-x7k2p |  | ip route; ss -s; cat /proc/meminfo
exec | shop/cart-6d4cf56db6-x7k2p |  | python3 -c "import socket;print(socket.create_connection(('postgres.db',5432),3))"
exec | shop/cart-6d4cf56db6-x7k2p |  | for i in 1 2 3 4 5; do curl -s -o /dev/null -w "%{http_code}" http://localhost:8080/; done
exec | shop/cart-6d4cf56db6-x7k2p |  | base64 -d /etc/app/cert.b64
exec | db/pg-0 | StatefulSet | pg_dump -U postgres app | gzip > /backup/app.gz
exec | db/pg-0 | StatefulSet | pg_basebackup -h primary -U rep -D /var/lib/postgresql/data -P
exec | db/mysql-0 | StatefulSet | mysqldump -h mysql-old -u root -psecret app | mysql -h mysql-new -u root -psecret app
exec | db/redis-0 | StatefulSet | redis-cli bgsave; redis-cli info replication
exec | db/mongo-0 | StatefulSet | mongodump --archive=/dump/a.gz --gzip
exec | kafka/kafka-0 | StatefulSet | kafka-topics.sh --bootstrap-server localhost:9092 --list
exec | db/minio-0 | StatefulSet | mc alias set local http://localhost:9000 a b; mc mirror local/a /backup/a
exec | db/es-0 | StatefulSet | curl -s -XPUT localhost:9200/_snapshot/b/s1
exec | vault/vault-0 | StatefulSet | vault status; vault kv list secret/
start | monitoring/falco-x7k2p | DaemonSet | falco -pk; ls /host/etc /host/proc/1
start | monitoring/wazuh-x7k2p | DaemonSet | /var/ossec/bin/wazuh-control start; grep -r PermitRootLogin /host/etc/ssh/sshd_config
start | monitoring/trivy-28934400-abcde | Job | trivy filesystem --scanners vuln,secret /host
start | monitoring/kube-bench-28934400-abcde | Job | kube-bench run --targets node; stat -c %a /etc/kubernetes/admin.conf
start | shop/web-6d4cf56db6-x7k2p |  | sh -c 'echo "nameserver 1.1.1.1" >> /etc/resolv.conf'; ssh -N -L 5432:db.internal:5432 tunnel@bastion.example.com
start | shop/web-6d4cf56db6-x7k2p |  | cloudflared tunnel --no-autoupdate run --token eyJ
start | shop/web-6d4cf56db6-x7k2p |  | useradd -u 1000 app; chown -R app /app; su app -c "node server.js"
start | shop/web-6d4cf56db6-x7k2p |  | echo "export PATH=$PATH:/opt/bin" >> /etc/profile.d/app.sh; crond -f
start | shop/web-6d4cf56db6-x7k2p |  | tinyproxy -d; socat TCP-LISTEN:6379,fork TCP:redis.db.svc:6379
web | shop/web-6d4cf56db6-x7k2p |  | curl -s http://169.254.169.254/latest/meta-data/placement/region
web | shop/web-6d4cf56db6-x7k2p |  | mysqldump -h db -u app app
web | shop/web-6d4cf56db6-x7k2p |  | tar czf /app/exports/report.tgz /app/reports
web | shop/web-6d4cf56db6-x7k2p |  | openssl req -new -key /app/k.pem -out /app/r.csr -subj /CN=a
web | shop/web-6d4cf56db6-x7k2p |  | ping -c 1 db
web | shop/web-6d4cf56db6-x7k2p |  | df -k /data
web | shop/web-6d4cf56db6-x7k2p |  | which convert
web | shop/web-6d4cf56db6-x7k2p |  | lsb_release -a
web | shop/web-6d4cf56db6-x7k2p |  | pdftotext /tmp/a.pdf -
web | shop/web-6d4cf56db6-x7k2p |  | git pull --ff-only
web | shop/web-6d4cf56db6-x7k2p |  | ps -o rss= -p 12
`);
