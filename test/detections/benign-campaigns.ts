/** The ordinary twins of campaigns: probes, entry scripts, backups, builds, administrators, node agents. */
import type { Benign } from './benign.ts';
import { benignLines } from './lines.ts';

/** Entry (and the server above), pod, kind of its workload, command. */
export const CAMPAIGN_TWINS: readonly Benign[] = benignLines(`
probe | shop/cart-6d4cf56db6-x7k2p |  | sh -c 'redis-cli -h 127.0.0.1 ping | grep PONG'
probe | db/pg-0 | StatefulSet | pg_isready -U postgres -h 127.0.0.1
probe | db/mysql-0 | StatefulSet | mysqladmin ping -uroot -psecret
probe | db/es-0 | StatefulSet | curl -sf -u elastic:x http://127.0.0.1:9200/_cluster/health
probe | shop/cart-6d4cf56db6-x7k2p |  | sh -c "test $(find /tmp/healthy -mmin -1 | wc -l) -eq 1"
probe | kafka/kafka-0 | StatefulSet | bash -c "nc -z localhost 9092"
probe | shop/cart-6d4cf56db6-x7k2p |  | cat /tmp/ready
start | shop/web-6d4cf56db6-x7k2p |  | chown -R app:app /data; exec gosu app node server.js
start | shop/web-6d4cf56db6-x7k2p |  | until nc -z postgres 5432; do sleep 1; done; npm run migrate; node server.js
start | shop/web-6d4cf56db6-x7k2p |  | envsubst < /etc/nginx/templates/default.conf > /etc/nginx/conf.d/default.conf; nginx -g "daemon off;"
start | shop/web-6d4cf56db6-x7k2p |  | curl -fsSL https://repo.example.com/agent.jar -o /tmp/agent.jar; java -javaagent:/tmp/agent.jar -jar /app.jar
start | shop/web-6d4cf56db6-x7k2p |  | cp /certs/ca.crt /usr/local/share/ca-certificates/; update-ca-certificates
start | shop/web-6d4cf56db6-x7k2p |  | base64 -d /config/key.b64 > /tmp/key.pem; chmod 600 /tmp/key.pem; ./server
start | shop/web-6d4cf56db6-x7k2p |  | sysctl -w net.core.somaxconn=1024
start | db/es-0 | StatefulSet | sysctl -w vm.max_map_count=262144
start | db/es-0 | StatefulSet | chown -R 1000:1000 /usr/share/elasticsearch/data; ulimit -n 65536
start | shop/web-6d4cf56db6-x7k2p |  | iptables-restore --noflush /tmp/iptables-rules
start | mesh/web-6d4cf56db6-x7k2p |  | pilot-agent istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT
start | vault/web-6d4cf56db6-x7k2p |  | vault agent -config=/home/vault/config.json
start | backup/backup-28934400-abcde | Job | pg_dump -h postgres -U app app | gzip > /backup/app.sql.gz; aws s3 cp /backup/app.sql.gz s3://acme-backups/pg/
start | backup/backup-28934400-abcde | Job | mysqldump -h mysql -u backup --single-transaction app | gzip | aws s3 cp - s3://acme-backups/my.sql.gz
start | backup/backup-28934400-abcde | Job | mongodump --uri=mongodb://mongo/app --archive=/backup/m.gz --gzip; rclone copy /backup s3:acme-backups
start | backup/restic-28934400-abcde | Job | restic backup /data --host cluster-1
start | backup/velero-6d4cf56db6-x7k2p |  | velero server
start | backup/rsync-28934400-abcde | Job | rsync -az /data/ backup@backup.internal:/srv/backup/data/
start | backup/cleanup-28934400-abcde | Job | find /backup -mtime +30 -delete
start | ops/kubectl-28934400-abcde | Job | kubectl delete pods --field-selector=status.phase=Failed -A
start | ops/kubectl-28934400-abcde | Job | kubectl rollout restart deployment/web -n shop
start | ops/secret-sync-28934400-abcde | Job | kubectl get secret tls -n a -o yaml | kubectl apply -n b -f -
start | ops/certs-28934400-abcde | Job | kubectl create secret tls web --cert=/certs/tls.crt --key=/certs/tls.key --dry-run=client -o yaml | kubectl apply -f -
start | ops/ecr-28934400-abcde | Job | aws ecr get-login-password --region eu-west-1 | docker login --username AWS --password-stdin 1.dkr.ecr.eu-west-1.amazonaws.com
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | sh -c 'if [ -x /usr/local/bin/bash ]; then exec /usr/local/bin/bash; elif [ -x /bin/bash ]; then exec /bin/bash; fi'
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | git clone https://gitlab.example.com/a/b.git /builds/a/b; git config --global --add safe.directory /builds/a/b
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | apt-get update; apt-get install -y curl gnupg; curl -fsSL https://download.docker.com/linux/debian/gpg | gpg --dearmor -o /etc/apt/keyrings/docker.gpg
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | npm ci; npm test; npm run build
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | docker build -t registry.example.com/a/b:1 .; docker push registry.example.com/a/b:1
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | curl -sL https://deb.nodesource.com/setup_20.x | bash -
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | eval $(ssh-agent -s); ssh-add /tmp/key; ssh -o StrictHostKeyChecking=no deploy@prod.example.com "cd /srv && docker compose pull && docker compose up -d"
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | wget -q https://get.helm.sh/helm-v3.14.0-linux-amd64.tar.gz; tar xzf helm-v3.14.0-linux-amd64.tar.gz; mv linux-amd64/helm /usr/local/bin/; helm upgrade --install web ./chart
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | curl -LO https://dl.k8s.io/release/v1.29.0/bin/linux/amd64/kubectl; chmod +x kubectl; ./kubectl apply -f deploy.yaml
exec | ci/runner-abc-project-1-concurrent-0 | StatefulSet | curl --upload-file dist.tgz https://gitlab.example.com/api/v4/projects/1/packages/generic/a/1/dist.tgz
start | ci/kaniko-28934400-abcde | Job | /kaniko/executor --context=dir:///workspace --destination=registry.example.com/a:1
start | ci/build-28934400-abcde | Job | apk add --no-cache gcc musl-dev python3-dev; pip install -r requirements.txt
start | ci/build-28934400-abcde | Job | gcc -O2 -o /tmp/test test.c; /tmp/test
exec | shop/cart-6d4cf56db6-x7k2p |  | tail -n 200 /var/log/nginx/access.log
exec | shop/cart-6d4cf56db6-x7k2p |  | grep -r "ERROR" /var/log/app
exec | shop/cart-6d4cf56db6-x7k2p |  | cat /etc/resolv.conf
exec | shop/cart-6d4cf56db6-x7k2p |  | env
exec | shop/cart-6d4cf56db6-x7k2p |  | curl -sv http://payments.shop.svc:8080/healthz
exec | shop/cart-6d4cf56db6-x7k2p |  | nslookup payments.shop.svc.cluster.local
exec | shop/cart-6d4cf56db6-x7k2p |  | ps auxf
exec | shop/cart-6d4cf56db6-x7k2p |  | netstat -tlnp
exec | shop/cart-6d4cf56db6-x7k2p |  | ls -la /var/run/secrets/kubernetes.io/serviceaccount
exec | shop/cart-6d4cf56db6-x7k2p |  | df -h; du -sh /data/*
exec | shop/cart-6d4cf56db6-x7k2p |  | find / -name "*.log" -size +100M 2>/dev/null
exec | shop/cart-6d4cf56db6-x7k2p |  | tar cf - /var/log/app
exec | shop/cart-6d4cf56db6-x7k2p |  | rm -rf /tmp/cache/*
exec | shop/cart-6d4cf56db6-x7k2p |  | nc -zv postgres.db.svc 5432
exec | shop/cart-6d4cf56db6-x7k2p |  | openssl s_client -connect api.example.com:443 -servername api.example.com
exec | shop/cart-6d4cf56db6-x7k2p |  | openssl x509 -in /certs/tls.crt -noout -dates
exec | shop/cart-6d4cf56db6-x7k2p |  | apt-get install -y vim less
exec | shop/cart-6d4cf56db6-x7k2p |  | python3 manage.py migrate
exec | shop/cart-6d4cf56db6-x7k2p |  | bundle exec rails console
exec | shop/cart-6d4cf56db6-x7k2p |  | kill -HUP 1
exec | shop/cart-6d4cf56db6-x7k2p |  | jcmd 1 GC.heap_dump /tmp/heap.hprof
exec | shop/cart-6d4cf56db6-x7k2p |  | strace -f -p 1 -o /tmp/strace.out
exec | db/mysql-0 | StatefulSet | mysql -uroot -psecret -e "SHOW PROCESSLIST"
exec | db/mysql-0 | StatefulSet | mysqldump -uroot -psecret app > /tmp/app.sql
exec | db/pg-0 | StatefulSet | psql -U postgres -c "SELECT * FROM pg_stat_activity"
exec | db/pg-0 | StatefulSet | pg_dump -U postgres -Fc app -f /tmp/app.dump
exec | db/redis-0 | StatefulSet | redis-cli config get maxmemory
exec | db/redis-0 | StatefulSet | redis-cli --scan --pattern "session:*"
exec | db/es-0 | StatefulSet | curl -s -XDELETE http://localhost:9200/logs-2024.01.01
exec | db/mongo-0 | StatefulSet | mongosh --eval "rs.status()"
exec | vault/vault-0 | StatefulSet | vault operator unseal
exec | kube-system/etcd-node-1 | Pod | etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key endpoint health
start | monitoring/node-exporter-x7k2p | DaemonSet | /bin/node_exporter --path.rootfs=/host/root
start | monitoring/datadog-x7k2p | DaemonSet | agent run; ps -eo pid,comm; cat /host/proc/1/cgroup
start | monitoring/fluent-bit-x7k2p | DaemonSet | /fluent-bit/bin/fluent-bit -c /fluent-bit/etc/fluent-bit.conf; tail -F /var/log/containers/web.log
start | kube-system/csi-node-x7k2p | DaemonSet | mount -t ext4 /dev/nvme1n1 /var/lib/kubelet/pods/a/volumes/kubernetes.io~csi/pvc/mount
start | kube-system/gpu-driver-x7k2p | DaemonSet | modprobe nvidia; nvidia-smi
start | kube-system/cilium-x7k2p | DaemonSet | nsenter --cgroup=/hostproc/1/ns/cgroup --mount=/hostproc/1/ns/mnt /opt/cni/bin/cilium-sysctlfix
web | shop/php-6d4cf56db6-x7k2p |  | convert /tmp/upload.png -resize 200x200 /tmp/out.png
web | shop/php-6d4cf56db6-x7k2p |  | ffmpeg -i /tmp/in.mp4 -f mp4 /tmp/out.mp4
web | shop/php-6d4cf56db6-x7k2p |  | wkhtmltopdf http://localhost/invoice/1 /tmp/i.pdf
web | shop/php-6d4cf56db6-x7k2p |  | git rev-parse HEAD
web | shop/php-6d4cf56db6-x7k2p |  | /usr/sbin/sendmail -t -i
web | shop/php-6d4cf56db6-x7k2p |  | uname -p
web | shop/php-6d4cf56db6-x7k2p |  | unzip -o /tmp/theme.zip -d /var/www/html/wp-content/themes/
web:/usr/bin/kured | kube-system/kured-x7k2p | DaemonSet | nsenter -m/proc/1/ns/mnt -- /usr/bin/test -f /var/run/reboot-required
`);
