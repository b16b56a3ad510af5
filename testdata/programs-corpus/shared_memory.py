"""Programs that use System V shared memory themselves."""

NTP = [{"key": 0x4E545030, "keys": 256, "what": "an NTP reference clock's time", "layout": "ntp-shm"}, {"key": 0x47505344, "what": "gpsd's report", "layout": "gpsd"}]
POSTGRES = [{"size": 1 << 20, "what": "PostgreSQL's dynamic shared memory"}, {"size": 8976, "what": "the control segment of PostgreSQL's dynamic shared memory"}, {"what": "PostgreSQL's shared memory, or its interlock", "layout": "postgresql"}]
TESTS = "$REPO/crates/coreinspect/tests/it/software"


def program(name, package, start, segments, of=None, **more):
    rules = [{"what": segments}] if isinstance(segments, str) else segments
    packages = [package, *more.pop("with", [])]
    return {"name": name, "package": package, "packages": packages, "start": start, "of": of or name, "segments": rules, **more}


def postgres(name, settings, of="postgres"):
    start = f"""
cd /usr/lib/postgresql/*/bin; bin=$PWD; install -d -m 700 -o postgres /tmp/pg; cd /tmp/pg
as="setpriv --reuid=postgres --regid=postgres --clear-groups"
$as $bin/initdb -A trust --no-sync -D /tmp/pg/data > /dev/null
$as $bin/postgres -D /tmp/pg/data -k /tmp -c listen_addresses= -c shared_buffers=2MB -c max_connections=10 {settings} &
"""
    return program(name, "postgresql-15", start, POSTGRES, of, **{"with": ["postgresql"]}, settle=2)


def compiled(name, package, source, options, segments, compiler="gcc", **more):
    arguments = more.pop("arguments", "")
    start = f"{compiler} -o {name} {source} {options} && sleep 60 | ./{name} {arguments} &"
    return program(name, package, start, segments, name[:15], **{"with": ["gcc", "g++", "libc6-dev"]}, **more)


SHARED_MEMORY = [
    postgres("postgres-mmap", ""),
    postgres("postgres-sysv", "-c shared_memory_type=sysv"),
    postgres("postgres-sysv-wal", "-c shared_memory_type=sysv -c dynamic_shared_memory_type=sysv -c min_dynamic_shared_memory=1MB"),
    program("php-sysvshm", "php-cli", """php -r '$s = shm_attach(0x5a170001, 4096); shm_put_var($s, 1, ["a" => 1, "b" => [2.5, null, "text"]]); shm_put_var($s, 2, "hello"); sleep(60);' &""", [{"what": "variables of PHP's sysvshm", "layout": "php-sysvshm"}], "php.*"),
    program("php-shmop", "php-cli", """php -r '$s = shmop_open(0x5a170002, "c", 0600, 4096); shmop_write($s, "just text by shmop", 0); sleep(60);' &""", "text by PHP's shmop", "php.*"),
    program("php-shmop-serialized", "php-cli", """php -r '$s = shmop_open(0x5a170003, "c", 0600, 4096); shmop_write($s, serialize(["user" => 7, "list" => range(1, 40)]), 0); sleep(60);' &""", "serialize() of PHP, by shmop", "php.*"),
    program("php-shmop-packed", "php-cli", """php -r '$s = shmop_open(0x5a170004, "c", 0600, 8192); for ($i = 0; $i < 500; $i++) shmop_write($s, pack("VVd", $i, $i * $i, sin($i)), $i * 16); sleep(60);' &""", "records packed by PHP, by shmop", "php.*"),
    program("perl-shmwrite", "perl", """perl -e '$i = shmget(0x5a170010, 2000, 01600); shmread($i, $b, 0, 1); require POSIX; use IPC::SharedMem; $m = IPC::SharedMem->new(0x5a170010, 2000, 0600); $m->attach; $m->write(pack("N n/a* d", 1, "perl", 2.5), 0, 40); sleep 60' &""", "bytes packed by perl, by IPC::SharedMem", "perl"),
    program("perl-sharelite", "libipc-sharelite-perl", f"sleep 60 | perl {TESTS}/ipc_sharelite.pl &", [{"what": "a value of IPC::ShareLite", "layout": "ipc-sharelite"}], "perl", least=4),
    program("perl-shareable", "libipc-shareable-perl", f"sleep 60 | perl {TESTS}/ipc_shareable.pl &", [{"key": 0x5A17E014, "what": "JSON of IPC::Shareable, which writes no tag: nothing tells whose it is"}, {"what": "a variable of IPC::Shareable", "layout": "ipc-shareable"}], "perl"),
    program("python-sysv-ipc", "python3-sysv-ipc", """python3 -c 'import sysv_ipc, time; m = sysv_ipc.SharedMemory(0x5a170020, sysv_ipc.IPC_CREX, size=4096); m.write(b"hello from python"); time.sleep(60)' &""", "text by python's sysv_ipc", "python3"),
    program("python-sysv-ipc-pickle", "python3-sysv-ipc", """python3 -c 'import sysv_ipc, time, pickle; m = sysv_ipc.SharedMemory(0x5a170021, sysv_ipc.IPC_CREX, size=8192); m.write(pickle.dumps({"rows": list(range(300)), "name": "x" * 40})); time.sleep(60)' &""", "a pickle by python's sysv_ipc", "python3"),
    program("fio", "fio", "fio --name=job --filename=/tmp/f --size=1M --rw=randrw --time_based --runtime=60 --ioengine=psync --mem=shm > /dev/null &", "fio's jobs, or its buffers (--mem=shm)", settle=2),
    program("fio-jobs", "fio", "fio --name=job --numjobs=3 --filename=/tmp/f --size=1M --rw=read --time_based --runtime=60 --thread > /dev/null &", "fio's jobs", "fio", settle=2),
    program("buffer", "buffer", "(yes | head -c 300000; sleep 60) | buffer -m 200k -s 10k | sleep 60 &", "the ring of buffer(1)", settle=2),
    program("dbench", "dbench", "dbench -D /tmp -t 60 2 > /dev/null &", "the counters of dbench's clients", settle=2),
    program("afl-fuzz", "afl++", r"""printf '#include <unistd.h>\nint main(void) { char b[9]; if (read(0, b, 8) > 2 && b[0] == 65) write(1, b, 1); }\n' > t.c
afl-cc -o t t.c > /dev/null 2>&1; mkdir in; echo hello > in/a
AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 afl-fuzz -i in -o out ./t > /dev/null &""", "the map of edges of AFL++, or its test case", settle=4),
    program("phc2sys", "linuxptp", "phc2sys -s CLOCK_REALTIME -c CLOCK_REALTIME -E ntpshm -M 3 -O 0 -m > /dev/null & phc2sys -s CLOCK_REALTIME -c CLOCK_REALTIME -E ntpshm -M 3 -O 0 -m &", NTP, settle=3),
    program("ptp4l", "linuxptp", "ip link add p0 type veth peer name p1; ip link set p0 up; ip link set p1 up; printf '[global]\\nclock_servo ntpshm\\nntpshm_segment 2\\ntime_stamping software\\nuds_address /tmp/a\\n' > a; ptp4l -f a -i p0 -s -m & printf '[global]\\ntime_stamping software\\nuds_address /tmp/b\\npriority1 10\\n' > b; ptp4l -f b -i p1 -m &", NTP, settle=6),
    program("chronyd", "chrony", "printf 'refclock SHM 0 refid A\\nrefclock SHM 1 refid B\\nport 0\\ncmdport 0\\nbindcmdaddress /\\npidfile /tmp/p\\n' > c; chronyd -x -d -u root -f /tmp/c &", NTP, settle=2),
    program("gpsd", "gpsd", r"""gpsd -N -n -S 7777 udp://127.0.0.1:7778 &
python3 - <<'P' &
import socket, time
s = socket.create_connection(("127.0.0.1", 7777)) if not time.sleep(2) else None
s.sendall(b'?WATCH={"enable":true,"json":true};\n')
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("127.0.0.1", 7778))
for second in range(60):
    for body in (f"GPGGA,1200{second:02}.00,4807.038,N,01131.000,E,1,05,0.9,545.4,M,46.9,M,,", f"GPRMC,1200{second:02}.00,A,4807.038,N,01131.000,E,022.4,084.4,241126,003.1,W"):
        check = 0
        for character in body: check ^= ord(character)
        u.send(f"${body}*{check:02X}\r\n".encode())
    time.sleep(0.3)
P""", NTP, settle=6, least=1),
    program("gpsd-without-receiver", "gpsd", "gpsd -N -n -S 7777 udp://127.0.0.1:7778 &", NTP, "gpsd", settle=2),
    program("ntpsec", "ntpsec", "mkdir -p /tmp/n; printf 'refclock shm unit 0\\nrefclock shm unit 2\\n' > c; PYTHONPATH= $UNPACKED/ntpsec/usr/sbin/ntpd -n -c /tmp/c -p /tmp/pid -l /tmp/n.log &", NTP, "ntpd", packages=["libbsd0", "libcap2"], unpacked=["ntpsec"], settle=2),
    program("gtm", "fis-gtm-7.0", r"""d=$(ls -d /usr/lib/x86_64-linux-gnu/fis-gtm/*/ | head -1); export gtm_dist=$d gtmgbldir=/tmp/a.gld gtm_tmp=/tmp gtm_log=/tmp gtmroutines="/tmp ${d}libgtmutil.so" TERM=dumb
printf 'change -segment DEFAULT -block_size=1024 -allocation=100 -global_buffer_count=128 -file=/tmp/a.dat\nexit\n' | $d/mumps -run GDE > /dev/null 2>&1
$d/mupip create > /dev/null 2>&1; (echo 'set ^balance(1)=100'; sleep 60) | $d/mumps -direct &""", [{"what": "a database of GT.M", "layout": "yottadb"}], "mumps", settle=2),
    compiled("linuxcnc-hal", "linuxcnc-uspace", f"{TESTS}/linuxcnc_hal.c", "/usr/lib/liblinuxcnchal.so.0", [{"key": 0x48414C32, "what": "LinuxCNC's HAL", "layout": "linuxcnc-hal"}, {"what": "LinuxCNC's RTAPI"}]),
    program("gnuradio", "gnuradio", r"""python3 - <<'P' &
from gnuradio import gr, blocks, analog
import time
g = gr.top_block()
source = analog.sig_source_f(8000, analog.GR_SIN_WAVE, 440, 0.5)
g.connect(source, blocks.throttle(4, 8000), blocks.null_sink(4)); g.start(); time.sleep(60)
P""", "a circular buffer of GNU Radio", "python3", settle=3, **{"wait": 40}),
    program("gnuradio-sysv", "gnuradio", r"""mkdir -p home/.gnuradio home/.config/gnuradio; for d in home/.gnuradio home/.config/gnuradio; do echo gr::vmcircbuf_sysv_shm_factory > $d/vmcircbuf_default_factory; mkdir -p $d/prefs; echo gr::vmcircbuf_sysv_shm_factory > $d/prefs/vmcircbuf_default_factory; done
python3 - <<'P' &
from gnuradio import gr, blocks, analog
import time
g = gr.top_block()
source = analog.sig_source_f(8000, analog.GR_SIN_WAVE, 440, 0.5)
g.connect(source, blocks.throttle(4, 8000), blocks.null_sink(4)); g.start(); time.sleep(60)
P""", "a circular buffer of GNU Radio", "python3", settle=3, **{"wait": 40}),
    compiled("boost-managed", "libboost-dev", f"{TESTS}/boost_interprocess.cpp", "", [{"what": "named objects of Boost.Interprocess", "layout": "boost-interprocess"}], "g++", arguments="/tmp", wait=60),
    compiled("apr-rmm", "libaprutil1-dev", f"{TESTS}/apr_rmm.c", "$(apr-1-config --includes --cppflags --link-ld) $(apu-1-config --includes --link-ld)", [{"what": "a region of apr_rmm", "layout": "apr-rmm"}]),
    compiled("x11-image", "libxcb-shm0-dev", f"{TESTS}/x11_image.c", "-lxcb -lxcb-shm", "an image shared with the X server (MIT-SHM)", display="160x120x24"),
    compiled("openmpi-shmem", "libopenmpi-dev", "$HERE/hello_mpi.c", "$(mpicc --showme:compile) $(mpicc --showme:link)", "Open MPI's shared memory", **{"wait": 30}) | {"start": "mpicc -o openmpi-shmem $HERE/hello_mpi.c && OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe --mca shmem sysv --mca btl vader,self -n 2 ./openmpi-shmem &", "settle": 3, "packages": ["libopenmpi-dev", "openmpi-bin", "gcc"]},
    program("zabbix-agent", "zabbix-agent", "printf 'PidFile=/tmp/p\\nLogFile=/tmp/z.log\\nServer=127.0.0.1\\nHostname=corpus\\nAllowRoot=1\\n' > c; zabbix_agentd -f -c /tmp/c &", "what zabbix_agentd collects", "zabbix_agentd", settle=3),
    program("uwsgi", "uwsgi-core", "uwsgi --socket /tmp/s --sharedarea 2 --cache2 name=c,items=10 --master --workers 1 &", [], "uwsgi.*", settle=2),
    program("jackd", "jackd1", "jackd --no-realtime -d dummy -r 8000 -p 256 > /dev/null &", "JACK's registry, or its engine", settle=2, least=0),
]
