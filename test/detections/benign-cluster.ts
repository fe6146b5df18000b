/** The ordinary twins of steps against the cluster and its stores. */
import type { Benign } from './benign.ts';
import { benignLines } from './lines.ts';

/** Entry (and the server above), pod, kind of its workload, command. */
export const CLUSTER_TWINS: readonly Benign[] = benignLines(`
exec | shop/cart-6d4cf56db6-x7k2p |  | nc -zv 10.0.3.4 5432; nc -zv 10.0.3.5 6379; nc -zv 10.0.3.6 9092
exec | shop/cart-6d4cf56db6-x7k2p |  | ping -c 3 10.0.3.4
exec | shop/cart-6d4cf56db6-x7k2p |  | for h in postgres redis kafka elasticsearch rabbitmq mongo vault; do nc -zv -w1 $h 80; done
exec | shop/cart-6d4cf56db6-x7k2p |  | ps aux | grep datadog-agent
exec | shop/cart-6d4cf56db6-x7k2p |  | curl -s 'http://elasticsearch:9200/orders/_search?q=id:42&pretty'
exec | shop/cart-6d4cf56db6-x7k2p |  | python3 -m http.server 8000 --directory /tmp/reports
exec | shop/cart-6d4cf56db6-x7k2p |  | git clone https://git.corp.example/app.git /tmp/app
exec | shop/cart-6d4cf56db6-x7k2p |  | cp /tmp/kubectl /usr/local/bin/kubectl; chmod 755 /usr/local/bin/kubectl
exec | shop/cart-6d4cf56db6-x7k2p |  | apt-get install -y tcpdump net-tools dnsutils netcat-openbsd
exec | shop/cart-6d4cf56db6-x7k2p |  | dd if=/dev/zero of=/data/test bs=1M count=512 oflag=direct; rm /data/test
exec | shop/cart-6d4cf56db6-x7k2p |  | openssl s_client -connect 10.0.3.4:443 -showcerts
exec | shop/cart-6d4cf56db6-x7k2p |  | python3 -c "from cryptography.fernet import Fernet;print(Fernet.generate_key())"
exec | shop/cart-6d4cf56db6-x7k2p |  | pkill -f celery; pkill -HUP gunicorn
exec | shop/cart-6d4cf56db6-x7k2p |  | sh -c "while true; do curl -s localhost:8080/metrics | grep inflight; sleep 1; done"
exec | shop/cart-6d4cf56db6-x7k2p |  | cat /sys/fs/cgroup/memory.max; cat /sys/fs/cgroup/cpu.max
exec | shop/cart-6d4cf56db6-x7k2p |  | mount | grep data; findmnt /data
exec | shop/cart-6d4cf56db6-x7k2p |  | kubectl version --client; kubectl config current-context
exec | shop/cart-6d4cf56db6-x7k2p |  | node -e "require('https').get('https://api.example.com/health',r=>console.log(r.statusCode))"
exec | db/mysql-0 | StatefulSet | mysql -uroot -psecret -e "SELECT count(*) FROM app.orders"
exec | db/mysql-0 | StatefulSet | mysql -uroot -psecret -e "CREATE DATABASE reporting; GRANT ALL ON reporting.* TO r"
exec | db/pg-0 | StatefulSet | psql -U postgres -c "select * from pg_locks"; vacuumdb -U postgres app
exec | db/es-0 | StatefulSet | curl -s 'localhost:9200/logs/_search?size=1000'
exec | db/redis-0 | StatefulSet | redis-cli -h redis-1 replicaof redis-0 6379; redis-cli config set maxmemory 2gb
exec | db/mongo-0 | StatefulSet | mongosh app --eval "db.orders.find().limit(3)"
start | db/pg-init-28934400-abcde | Job | psql -h pg -U postgres -c "CREATE USER app"; psql -h pg -c "select * from users"
web | db/airflow-6d4cf56db6-x7k2p |  | curl -sf http://10.0.3.4:8080/health
web | db/airflow-6d4cf56db6-x7k2p |  | psql -h warehouse -f /opt/dags/load.sql
web | shop/web-6d4cf56db6-x7k2p |  | exiftool -json /tmp/upload.jpg
web | shop/web-6d4cf56db6-x7k2p |  | clamscan --no-summary /tmp/upload.pdf
web | shop/web-6d4cf56db6-x7k2p |  | gs -q -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=/tmp/o.pdf /tmp/i.pdf
web | shop/web-6d4cf56db6-x7k2p |  | soffice --headless --convert-to pdf /tmp/i.docx --outdir /tmp
exec | ci/build-agent-abc |  | /bin/sh -xe /home/jenkins/agent/workspace/app@tmp/durable-1a2b/script.sh.copy
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | mysql -h mysql -uroot -proot -e "DROP DATABASE IF EXISTS t; CREATE DATABASE t"; for f in a b; do mysql -h mysql -uroot -p$MYSQL_PASSWORD t < $f; done
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | git clone --depth 1 https://github.com/a/b /tmp/.cache-b; make -C /tmp/.cache-b
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | python3 -c "import boto3;boto3.client('s3').upload_file('dist.tgz','artifacts','dist.tgz')"
exec | ci/runner-t1abc-project-42-concurrent-1-x8 | Pod | docker login -u a -p b registry.example.com; cat ~/.docker/config.json
start | kube-system/calico-node-x7k2p | DaemonSet | mount -t bpf bpffs /sys/fs/bpf; modprobe ip_set
start | monitoring/sysdig-x7k2p |  | ls /host/proc; grep -c falco /host/etc/os-release
start | shop/web-6d4cf56db6-x7k2p |  | python3 -m http.server 8080 --directory /app
start | shop/web-6d4cf56db6-x7k2p |  | mount -t nfs nfs:/export /data; node server.js
`);
