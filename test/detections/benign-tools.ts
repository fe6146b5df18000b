/** The ordinary twins of tools: administrators, start scripts, applications that call them. */
import type { Benign } from './benign.ts';
import { benignLines } from './lines.ts';

/** Entry (and the server above), pod, kind of its workload, command. */
export const TOOL_TWINS: readonly Benign[] = benignLines(`
exec | shop/cart-6d4cf56db6-x7k2p |  | curl -s -X POST -d '{"a":1}' http://10.0.3.4:8080/api
exec | shop/cart-6d4cf56db6-x7k2p |  | curl -s https://api.example.com/v1/status -H "Authorization: Bearer x"
exec | shop/cart-6d4cf56db6-x7k2p |  | dig TXT _acme-challenge.example.com
exec | shop/cart-6d4cf56db6-x7k2p |  | dig @10.96.0.10 orders.shop.svc.cluster.local
exec | shop/cart-6d4cf56db6-x7k2p |  | nc -l -p 9999
exec | shop/cart-6d4cf56db6-x7k2p |  | rm -rf /app/cache/*; find /tmp -mtime +3 -delete
exec | shop/cart-6d4cf56db6-x7k2p |  | tar czf /tmp/app-config.tgz /app/config
exec | shop/cart-6d4cf56db6-x7k2p |  | cat /app/config/app.yml; cat /app/package.json
exec | shop/cart-6d4cf56db6-x7k2p |  | grep -rn "TODO" /app/src; grep -c ERROR /var/log/app.log
exec | shop/cart-6d4cf56db6-x7k2p |  | ls -l /etc/cron.d; cat /etc/crontab
exec | shop/cart-6d4cf56db6-x7k2p |  | kill 42; kill -9 43
exec | shop/cart-6d4cf56db6-x7k2p |  | wget -q --spider http://orders.shop.svc:8080/healthz
exec | shop/cart-6d4cf56db6-x7k2p |  | gunzip /tmp/dump.sql.gz; psql -h pg -U app -f /tmp/dump.sql
exec | shop/cart-6d4cf56db6-x7k2p |  | python3 -c "import ssl;print(ssl.OPENSSL_VERSION)"
exec | shop/cart-6d4cf56db6-x7k2p |  | git -C /app log -1; git config --list
exec | shop/cart-6d4cf56db6-x7k2p |  | aws sts get-caller-identity
exec | shop/cart-6d4cf56db6-x7k2p |  | aws s3 ls s3://acme-backups/
exec | shop/cart-6d4cf56db6-x7k2p |  | aws s3 cp s3://acme-config/app.yml /tmp/app.yml
exec | shop/cart-6d4cf56db6-x7k2p |  | vi /app/config/app.yml; less /var/log/app.log
exec | shop/cart-6d4cf56db6-x7k2p |  | ss -tn state established; lsof -i -P
exec | db/pg-0 | StatefulSet | pg_ctl reload; psql -U postgres -c "SHOW config_file"
exec | db/mysql-0 | StatefulSet | mysqlcheck -uroot -psecret --all-databases
exec | db/redis-0 | StatefulSet | redis-cli flushdb; redis-cli dbsize
exec | kafka/kafka-0 | StatefulSet | kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --all-groups
exec | ops/toolbox-0 | StatefulSet | kubectl get deploy -n shop; kubectl logs -n shop deploy/cart --tail=50
exec | kube-system/cilium-x7k2p | DaemonSet | cilium status; cilium monitor -n
start | ops/renew-28934400-abcde | Job | certbot renew; openssl x509 -checkend 86400 -in /etc/letsencrypt/live/a/cert.pem
start | shop/web-6d4cf56db6-x7k2p |  | mkdir -p /run/sshd; chmod 700 /root/.ssh; chmod 600 /root/.ssh/authorized_keys; /usr/sbin/sshd -D
start | shop/web-6d4cf56db6-x7k2p |  | echo "0 3 * * * /app/clean.sh" | crontab -; crond -f
start | shop/web-6d4cf56db6-x7k2p |  | setcap cap_net_bind_service=+ep /usr/local/bin/app; exec app
start | shop/web-6d4cf56db6-x7k2p |  | sed -i 's/x/y/' /etc/passwd; echo "app:x:1001:0::/:/sbin/nologin" >> /etc/passwd
web | shop/web-6d4cf56db6-x7k2p |  | curl -s https://fonts.example.com/a.ttf -o /app/fonts/a.ttf
web | shop/web-6d4cf56db6-x7k2p |  | zip -r /app/export/1.zip /app/export/1
web | shop/web-6d4cf56db6-x7k2p |  | rsync -a /app/media/ /mnt/media/
web | shop/web-6d4cf56db6-x7k2p |  | openssl dgst -sha256 -sign /app/k.pem /tmp/d
web | shop/web-6d4cf56db6-x7k2p |  | nslookup smtp.example.com
web | shop/web-6d4cf56db6-x7k2p |  | hostname -f
web | shop/web-6d4cf56db6-x7k2p |  | cat /proc/meminfo
web | shop/web-6d4cf56db6-x7k2p |  | stat -c %s /app/data/x
web | shop/web-6d4cf56db6-x7k2p |  | kill -HUP 12
`);
