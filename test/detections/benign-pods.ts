/** The ordinary twins of steps in pods: stores, crawlers, backups and who looks after them. */
import type { Benign } from './benign.ts';
import { benignLines } from './lines.ts';

/** Entry (and the server above), pod, kind of its workload, command. */
export const POD_TWINS: readonly Benign[] = benignLines(`
exec | tenant-jobs/elasticsearch-master-0 | StatefulSet | curl -s localhost:9200/_cat/shards?v
exec | tenant-jobs/elasticsearch-master-0 | StatefulSet | curl -s -XPOST localhost:9200/_reindex -H 'Content-Type: application/json' -d @/tmp/reindex.json
exec | tenant-jobs/elasticsearch-master-0 | StatefulSet | bin/elasticsearch-plugin list; bin/elasticsearch-users list
exec | tenant-jobs/elasticsearch-master-0 | StatefulSet | find /usr/share/elasticsearch/logs -name "*.gz" -mtime +14 -delete
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | nc -zv -w 2 198.51.100.20 443
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | curl -v telnet://postgres.db.svc:5432
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | cat /etc/hosts; cat /etc/nsswitch.conf
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | ls -la /root; ls /tmp
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | top -b -n 1; free -m; uptime
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | traceroute -n 10.244.1.10; mtr -r -c 3 10.244.1.10
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | curl -s -o /tmp/schema.json http://coreapi.tenant-jobs.svc:9080/openapi.json
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | wget -q -O /tmp/GeoLite2.mmdb https://download.maxmind.example/GeoLite2.mmdb
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | echo test > /data/probe; rm /data/probe
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | tar xzf /tmp/fixtures.tgz -C /app/data
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | npm ls --depth=0; node -e "console.log(process.memoryUsage())"
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | node -e "require('net').connect(5432,'postgres').on('connect',()=>{console.log('ok');process.exit()})"
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | python3 -m json.tool /app/config.json
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | kill -USR1 1; kill -3 1
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | sed -i 's/level: info/level: debug/' /app/config/log.yml
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | touch /tmp/maintenance; chmod 600 /tmp/maintenance
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | openssl rand -hex 16; openssl dgst -sha256 /app/app.js
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | cp /tmp/hotfix.js /app/lib/hotfix.js; chown app:app /app/lib/hotfix.js
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | dig +short SRV _http._tcp.coreapi.tenant-jobs.svc.cluster.local; dig TXT example.com
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | ssh-keygen -y -f /app/keys/deploy.pub; git ls-remote https://github.com/a/b.git
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | base64 /app/logo.png; gzip -k /tmp/trace.out; md5sum /app/app.js
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | timeout 5 bash -c "</dev/tcp/postgres.db.svc/5432"
exec | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | python3 -c "import base64;print(base64.b64decode('aGVsbG8=').decode())"
start | tenant-jobs/backup-29312460-q8zpl | Job | tar czf /tmp/b.tgz /data; curl -s -T /tmp/b.tgz https://backup-bucket.s3.amazonaws.com/d/b.tgz; rm -f /tmp/b.tgz
start | tenant-jobs/backup-29312460-q8zpl | Job | gpg --batch -c --passphrase-file /k /tmp/b.tgz; scp -i /keys/id backup@10.0.0.9:/srv/ /tmp/b.tgz.gpg
start | tenant-jobs/crawler-556db57cd7-tkvfd |  | node /app/crawler.js; curl -sf http://coreapi:9080/ready
start | tenant-jobs/crawler-556db57cd7-tkvfd |  | wget -q http://198.51.100.20/robots.txt -O /tmp/robots.txt
start | tenant-jobs/crawler-556db57cd7-tkvfd |  | export TOKEN=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); cat /var/run/secrets/kubernetes.io/serviceaccount/token; node app.js
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | chromium --headless --no-sandbox --dump-dom https://example.com
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | curl -sL -A "crawler/1" https://example.com/page -o /data/pages/1.html
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | pdftotext -layout /data/in/1.pdf /data/out/1.txt; gzip -f /data/out/1.txt
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | yt-dlp -o /data/v.mp4 https://video.example.com/1
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | getconf _NPROCESSORS_ONLN
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | ps -A -o ppid,pid
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | ldd --version
web | tenant-jobs/crawler-556db57cd7-tkvfd |  | ip -4 route get 1.1.1.1
start | tenant-jobs/node-debugger-x7k2p |  | journalctl -u kubelet -n 100 -D /host/var/log/journal
start | monitoring/promtail-x7k2p |  | promtail -config.file=/etc/promtail.yml; find /var/log/pods -name "*.log"
probe | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | python3 -c "import urllib.request;urllib.request.urlopen('http://127.0.0.1:8080/health')"
probe | tenant-jobs/coreapi-cd8c6d9b4-h9llr |  | cat /proc/1/status
`);
