/** Automation that looks like an attack and is none: runners, agents, operators, backups, scripts of servers, people at work. */
import type { Benign } from './benign.ts';
import type { Setting } from './shell-events.ts';

const each = (setting: Setting, commands: readonly string[]): Benign[] =>
  commands.map(command => ({ setting, command }));

/** The runner's agent is a server of minutes' age; what it starts is the job's own script. */
const RUNNER: readonly Setting[] = [
  { entry: 'web', server: '/usr/bin/gitlab-runner', serverArguments: 'run', kind: 'Pod', pod: 'ci/runner-x' },
  { entry: 'web', server: '/home/runner/bin/Runner.Worker', kind: 'Pod', pod: 'ci/arc-x' },
  { entry: 'start', kind: 'Job', pod: 'ci/deploy-1-a' },
  { entry: 'start', kind: 'Pod', pod: 'ci/step-1', age: 300 },
];

export const AUTOMATION: readonly Benign[] = [
  ...RUNNER.flatMap(setting =>
    each(setting, [
      'curl -fsSL https://get.helm.sh/helm-v3.14.0-linux-amd64.tar.gz -o /tmp/helm.tgz; tar xzf /tmp/helm.tgz -C /tmp; /tmp/linux-amd64/helm upgrade --install web ./chart',
      'curl -Lo /tmp/kubectl https://dl.k8s.io/release/v1.30.0/bin/linux/amd64/kubectl; chmod +x /tmp/kubectl; /tmp/kubectl apply -f k8s/',
      'wget -q https://releases.hashicorp.com/terraform/1.7.0/terraform.zip -O /tmp/tf.zip; unzip /tmp/tf.zip -d /tmp; /tmp/terraform plan',
    ]),
  ),
  ...each({ entry: 'web' }, [
    'id -u',
    'id -g',
    'id -un',
    'uname -s',
    'uname -m',
    'uname -r',
    'uname -sm',
    'uname -p',
    'hostname',
    'id -u app',
    'uname -n',
  ]),
  ...each({ entry: 'web', server: '/opt/java/bin/java', serverArguments: '-jar app.jar' }, [
    'uname -m',
    'uname',
    'id -u',
  ]),
  ...each({ entry: 'exec' }, [
    'id; whoami; uname -a; ps aux; df -h; mount; env; ss -tlnp; ip addr; cat /etc/resolv.conf',
    'ps aux; netstat -an; ip route; lscpu; free -m; uname -r; mount',
    'whoami; id; ps; ss; ip a; w; uname -a',
  ]),
  ...each({ entry: 'start', kind: 'Job', pod: 'ops/sync-1-a' }, [
    'kubectl get secret db -o yaml',
    'kubectl get secret db -n shop -o jsonpath={.data.password}',
    'kubectl -n shop get secret registry -o yaml | kubectl apply -n ci -f -',
  ]),
  ...each({ entry: 'start', kind: 'CronJob', pod: 'ops/rotate-1-a' }, ['kubectl get secret tls-cert -o yaml']),
  ...each({ entry: 'start', pod: 'cert-manager/operator-6d4cf56db6-x7k2p', age: 4000 }, [
    'kubectl get secret ca -o yaml',
    'kubectl --token=x get secret ca -o yaml',
  ]),
  ...each({ entry: 'web', server: '/manager', pod: 'ops/operator-6d4cf56db6-x7k2p' }, [
    'kubectl get secret ca -o yaml',
  ]),
  ...each({ entry: 'start', age: 90_000 }, [
    'pg_dump -h db shop | aws s3 cp - s3://acme-backups/shop.sql',
    'mysqldump shop | gzip | aws s3 cp - s3://acme-backups/shop.sql.gz',
    'pg_dumpall | rclone rcat remote:backups/all.sql',
  ]),
  ...each({ entry: 'start' }, [
    'cat /etc/shadow | wc -l',
    'grep -q app /etc/shadow || useradd app',
    'test -r /etc/shadow && cut -d: -f1 /etc/shadow',
    'fdisk -l',
    'pkill -0 nginx',
    'tailscaled --tun=userspace-networking --state=mem:',
    'ssh -N -L 5432:db:5432 tunnel@bastion.example.org',
    'chmod 777 /tmp/x; /tmp/x',
    'base64 -d /etc/app/bin.b64 > /tmp/app; chmod +x /tmp/app; /tmp/app',
    'rm -rf /var/lib/mysql/*; mysqld --initialize',
    'env -i node /app/server.js',
    'stdbuf -oL tail -F /var/log/app.log',
  ]),
  ...each({ entry: 'exec' }, [
    'kubectl get pods -n shop',
    'kubectl --token=x get pods',
    'tailscale status',
    'rm -rf /var/lib/app/cache',
    'xargs -n1 echo',
    'find /app -name "*.js" -exec grep -l x {} +',
    'watch -n 2 free -m',
    'script -qc "ls -la" /dev/null',
    'env -i ls',
    'stdbuf -oL grep x /app/log',
    'php -r "echo phpversion();"',
    'ruby -e "puts RUBY_VERSION"',
    'awk "{print $1}" /app/data.tsv',
    'pkill node',
    'ls -l /dev/disk',
    'lsblk',
    'app client --server orders:8080',
    '/app/bin/worker -t 1 -m batch -n 5 -p 8080',
    '/app/bin/tool http 8080 --verbose',
    'rsync -t /a /b',
  ]),
  ...each({ entry: 'web', server: '/usr/bin/python3.11' }, [
    'ssh deploy@git.example.org git-receive-pack repo.git',
    'env -i /usr/bin/convert a.png b.png',
    'find /data -name "*.tmp" -mmin +60 -delete',
    'timeout 30 ffmpeg -i /data/a.mp4 /data/b.webm',
    'rm -rf /data/uploads/old',
    'pkill -USR1 celery',
  ]),
];

/** A node agent with the host's processes in view: the sensor then reports none of its own as started by the container. */
export const NODE_AGENTS: readonly Benign[] = [
  ['/usr/bin/kured', 'kube-system/kured-abcde'],
  ['/usr/local/bin/node-problem-detector', 'kube-system/npd-abcde'],
  ['/usr/bin/longhorn-manager', 'longhorn-system/longhorn-manager-abcde'],
  ['/bin/rook', 'rook-ceph/rook-discover-abcde'],
].flatMap(([server, pod]) =>
  [
    'nsenter -m/proc/1/ns/mnt -- /usr/bin/test -f /var/run/reboot-required',
    'nsenter -t 1 -m -- systemctl reboot',
    'nsenter --target 1 --mount --net -- lsblk',
  ].map(command => ({
    command,
    setting: { entry: 'web', server: server as string, pod: pod as string, kind: 'DaemonSet', hostPid: true },
  })),
);
