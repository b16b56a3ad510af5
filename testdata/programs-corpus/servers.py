"""Servers, runtimes and tools of every day. Most attach no segment: nothing may be claimed of them either."""

from shared_memory import program


def without(name, package, start, of=None, **more):
    return program(name, package, start, [], of, **more)


SERVERS = [
    without("redis", "redis-server", "redis-server --save '' --dir /tmp > /dev/null &", "redis-server"),
    without("memcached", "memcached", "memcached -u root -m 2 &"),
    without("nginx", "nginx-light", "printf 'error_log stderr; pid /tmp/p; events {} http { access_log off; proxy_cache_path /tmp/c keys_zone=z:1m; limit_req_zone $uri zone=l:1m rate=1r/s; server { listen 8080; } }' > n; nginx -c /tmp/n -g 'daemon off;' &"),
    without("apache2", "apache2-bin", "printf 'ServerName a\\nListen 8080\\nPidFile /tmp/p\\nErrorLog /tmp/e\\nScoreBoardFile /tmp/board\\nLoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so\\nLoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\\nStartServers 1\\n' > a; apache2 -f /tmp/a -DFOREGROUND &"),
    without("apache2-ldap-socache", "apache2-bin", "printf 'ServerName a\\nListen 8080\\nPidFile /tmp/p\\nErrorLog /tmp/e\\nDefaultRuntimeDir /tmp\\nLoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\\nLoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\\nLoadModule ldap_module /usr/lib/apache2/modules/mod_ldap.so\\nLoadModule slotmem_shm_module /usr/lib/apache2/modules/mod_slotmem_shm.so\\nLoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so\\n' > a; apache2 -f /tmp/a -DFOREGROUND &", "apache2"),
    without("mariadbd", "mariadb-server", "mkdir d; mariadb-install-db --no-defaults --user=root --datadir=/tmp/d > /dev/null 2>&1; mariadbd --no-defaults --user=root --datadir=/tmp/d --socket=/tmp/s --skip-networking --innodb-buffer-pool-size=5M > /dev/null &", "mariadbd", wait=60),
    without("rabbitmq", "rabbitmq-server", "erl -noshell -sname a -eval 'ets:new(t, [named_table]), timer:sleep(60000).' &", "beam.smp", packages=["erlang-base"]),
    without("node", "nodejs", "node -e 'globalThis.a = new SharedArrayBuffer(4096); setTimeout(() => {}, 60000)' &", "node"),
    without("java", "default-jre-headless", "printf 'class A { public static void main(String[] a) throws Exception { Thread.sleep(60000); } }' > A.java; java -Xmx32m -cp /tmp A.java & sleep 1; java -Xmx32m -XX:+PrintFlagsFinal -version > /dev/null; jrunscript &", "java", wait=10),
    without("ruby", "ruby", "ruby -e 'sleep 60' &", "ruby.*"),
    without("lua", "lua5.4", "echo 'while true do os.execute(\"sleep 1\") end' > a.lua; lua5.4 a.lua &", "lua5.4"),
    without("sbcl", "sbcl", "sbcl --noinform --eval '(sleep 60)' &"),
    without("guile-gawk", "gawk", "gawk 'BEGIN { while (1) system(\"sleep 1\") }' &", "gawk"),
    without("perl", "perl", "perl -e 'sleep 60' &"),
    without("python", "python3", "python3 -c 'import mmap, time; m = mmap.mmap(-1, 8192); m.write(b\"anonymous\"); time.sleep(60)' &", "python3"),
    without("go", "golang-go", "export GOCACHE=/tmp/go GO111MODULE=off; printf 'package main\\nimport \"time\"\\nfunc main() { time.Sleep(time.Minute) }\\n' > sleeper.go; go build -o sleeper sleeper.go; ./sleeper &", "sleeper", wait=90),
    without("squid", "squid", "printf 'http_port 127.0.0.1:3128\\ncache_log /tmp/c.log\\naccess_log none\\npid_filename /tmp/p\\ncoredump_dir /tmp\\nworkers 1\\nvisible_hostname a\\n' > s; squid -N -f /tmp/s &"),
    without("proftpd", "proftpd-core", "mkdir -m 755 home2; printf 'ServerName a\\nServerType standalone\nDefaultAddress 127.0.0.1\\nPort 2121\\nUser nobody\\nGroup nogroup\\nScoreboardFile /tmp/home2/sb\\nPidFile /tmp/p\\n' > p; proftpd -n -c /tmp/p &"),
    without("munge", "munge", "head -c 64 /dev/urandom > k; chmod 600 k; munged -F -f --key-file=/tmp/k --socket=/tmp/s --pid-file=/tmp/p --log-file=/tmp/l --seed-file=/tmp/e &", "munged"),
    without("varnish", "varnish", "printf 'vcl 4.1; backend default none;' > v; varnishd -F -a 127.0.0.1:8081 -f /tmp/v -n /tmp/vn -s malloc,1m -T none -j none &", "varnishd|cache-main", wait=60),
    without("kamailio", "kamailio", "printf '#!KAMAILIO\\nlisten=udp:127.0.0.1:5060\\nfork=no\\nloadmodule \"pv.so\"\\nrequest_route { exit; }\\n' > k; kamailio -f /tmp/k -DD -E -m 4 -M 2 -Y /tmp &"),
    without("slurmd", "slurmd", "munged() { :; }; slurmd -C; printf 'ClusterName=a\\nSlurmctldHost=corpus\\nNodeName=corpus CPUs=1\\nPartitionName=p Nodes=ALL\\nAuthType=auth/munge\\nSlurmdPidFile=/tmp/p\\nSlurmdSpoolDir=/tmp/s\\nProctrackType=proctrack/pgid\\n' > c; slurmd -D -f /tmp/c &", "slurmd"),
    without("pulseaudio", "pulseaudio", "pulseaudio -n --exit-idle-time=-1 -L 'module-null-sink' -L 'module-native-protocol-unix' --system=no &"),
    without("tmux", "tmux", "TERM=xterm tmux -S /tmp/t new-session -d 'top' &", "tmux.*"),
    without("vim", "vim-tiny", "printf x > f; script -qc 'TERM=xterm vim.tiny f' /dev/null < <(sleep 60) &", "vim.tiny"),
    without("gdb", "gdb", "(sleep 60) | gdb -nx -q /bin/true > /dev/null &"),
    without("ssh-agent", "openssh-client", "ssh-agent -D -a /tmp/a > /dev/null &"),
    without("dbus-daemon", "dbus", "dbus-daemon --session --nofork --address=unix:path=/tmp/d &"),
]
