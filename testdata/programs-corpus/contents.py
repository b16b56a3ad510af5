"""What programs of one's own put into segments: bytes of every kind, by python3-sysv-ipc. None has a built-in layout."""

from shared_memory import program

BODY = {
    "int32-counters": "struct.pack('<1024i', *range(1024))",
    "int32-negative": "struct.pack('<1024i', *(-1 - i % 7 for i in range(1024)))",
    "int64-times": "struct.pack('<500q', *(1764500000 + 37 * i for i in range(500)))",
    "float64-sine": "struct.pack('<800d', *(math.sin(i / 9) for i in range(800)))",
    "float32-field": "struct.pack('<2000f', *(i * 0.25 for i in range(2000)))",
    "pcm-16": "struct.pack('<3000h', *(int(12000 * math.sin(i / 7)) for i in range(3000)))",
    "rgb-white": "b'\\xff\\xff\\xff\\x00' * 4000",
    "rgb-black": "b'\\x00\\x00\\x00\\xff' * 4000",
    "rgba-gradient": "bytes(x % 256 for y in range(60) for x in (y, y, y, 255) * 40)",
    "one-byte": "b'\\x01' + bytes(4095)",
    "ring-buffer": "struct.pack('<QQQ', 4096, 120, 840) + b'a line of a log\\n' * 200",
    "flags-then-ints": "struct.pack('<iiii', 1, 1, 16, 3) + struct.pack('<500i', *range(500))",
    "two-ones": "struct.pack('<ii', 1, 1) + bytes(4000)",
    "minus-one-first": "struct.pack('<iiii', -1, 100, 1, 2) + bytes(range(1, 101)) + bytes(3000)",
    "mutex-and-count": "struct.pack('<iIiIiiQQ', 0, 0, 0, 0, 0, 0, 0, 0) + struct.pack('<qqd', 12, 13, 2.5) + bytes(4000)",
    "records": "b''.join(struct.pack('<IHHd16s', i, i % 3, 1, i / 3, b'name %d' % i) for i in range(150))",
    "text-lines": "b''.join(b'line %d of a text\\n' % i for i in range(200))",
    "text-utf16": "'Hello wide world, 1234567890. '.encode('utf-16-le') * 50",
    "json": "json.dumps({'users': [{'id': i, 'name': 'n%d' % i} for i in range(60)]}).encode()",
    "csv": "b'id,name,value\\n' + b''.join(b'%d,n%d,%d\\n' % (i, i, i * i) for i in range(150))",
    "gzip": "gzip.compress(b'compressed text ' * 400)",
    "zlib-random": "zlib.compress(random.Random(1).randbytes(3000))",
    "random": "random.Random(2).randbytes(8192)",
    "sqlite": "sqlite()",
    "struct-time": "struct.pack('<iiqiqiiiii', 0, 7, 1764500000, 123456, 1764500001, 1234, 0, -20, 3, 1) + struct.pack('<300i', *range(300))",
    "size-word": "struct.pack('<QQ', 4096, 0) + bytes(4080)",
    "network-order": "struct.pack('>25I', 100, 6, 2, 24, 40, 30, 0, 0, 32, 0, 32, 32, 160, 4, 1, 2, 3, 8, 256, 0, 40, 30, 0, 0, 0) + bytes(5000)",
    "version-16": "struct.pack('<IQiQ', 16, 0, 4096, 0) + bytes(100) + struct.pack('<ii', 200, 4096) + bytes(3900)",
    "ready-two": "struct.pack('<I', 2) + bytes(60) + struct.pack('<QQQ', 0, 100, 8000) + b'payload' * 50 + bytes(7600)",
    "pointers": "b''.join(struct.pack('<QQ', 0x7f0000001000 + 16 * i, i) for i in range(300))",
    "offsets-list": "b''.join(struct.pack('<II', 8 * i + 8, i) for i in range(500)) + bytes(96)",
    "semaphores": "struct.pack('<IIQ', 1, 0, 0) * 100",
    "elf": "open('/bin/true', 'rb').read()[:16000]",
    "png": "png()",
    "bitmap-font": "bytes((i * 37) % 251 for i in range(4096))",
    "shmid-chain": "struct.pack('<iiII', 3, 9000, 2, 900) + b'c' * 2000",
    "four-small-ints": "struct.pack('<iiii', -1, 40, 1, 9) + struct.pack('<20i', *range(20)) + bytes(3000)",
}

PRELUDE = r"""
import gzip, json, math, os, random, sqlite3, struct, sysv_ipc, time, zlib
def sqlite():
    base = sqlite3.connect('/tmp/base'); base.execute('create table t(a, b)')
    base.executemany('insert into t values(?, ?)', [(i, 'row') for i in range(50)]); base.commit()
    return open('/tmp/base', 'rb').read()
def png():
    chunk = lambda kind, body: struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
    rows = b''.join(b'\0' + bytes((x * y) % 256 for x in range(120)) for y in range(60))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 120, 60, 8, 0, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')
"""


def of(name, body, index):
    script = f"""python3 - <<'P' &
{PRELUDE}
body = {body}
memory = sysv_ipc.SharedMemory({0x5a180000 + index}, sysv_ipc.IPC_CREX, size=len(body)); memory.write(body); time.sleep(60)
P"""
    return program(f"content-{name}", "python3-sysv-ipc", script, f"{name.replace('-', ' ')}, by python's sysv_ipc", "python3", settle=0.2)


CONTENTS = [of(name, body, index) for index, (name, body) in enumerate(BODY.items())]
