#!/usr/bin/env python3
"""Verifies a Signalbox journal without Signalbox: python3 verify_journal.py <state folder>/journal [seq:hash]"""
import hashlib, json, os, re, sys, zlib

HEADER = re.compile(rb'(\{"signalbox":"journal","format":1,"first":(\d+),"prev":"(\w{64})","installation":"[\w.-]+"),"crc":"(\w{8})"\}\n')
FRAME = re.compile(rb'\{"batch":(\d+),"bytes":(\d+),"crc":"(\w{8})"\}\n')
COMMIT = re.compile(rb'(\{"seq":(\d+),"at":"[^"]*","prev":"(\w{64})","principal":".*),"hash":"(\w{64})"\}')
crc = lambda data: b'%08x' % zlib.crc32(data)

def whole(data, at):  # where the batch that begins here ends, if all of it is there as it was written
    frame = FRAME.match(data, at)
    end = frame.end() + int(frame[2]) if frame else 0
    body = data[frame.end():end] if frame and end <= len(data) else b''
    return end if frame and crc(body) == frame[3] and body.count(b'\n') == int(frame[1]) else 0

def begin(folder, first):  # commit 0, or the last that a compaction removed
    path = os.path.join(folder, 'compacted.json')
    removals = json.load(open(path))['removals'] if os.path.exists(path) else []
    return next(((r['last'], r['hash'].encode()) for r in removals if r['last'] + 1 == first), (0, b'0' * 64))

def verify(folder):
    names = sorted(n for n in os.listdir(folder) if re.fullmatch(r'\d{16}\.ndjson', n))
    seq, prev = begin(folder, int(names[0][:16]) if names else 1)
    heads = {seq: prev}
    for name in names:
        data = open(os.path.join(folder, name), 'rb').read()
        header, at, line = HEADER.match(data), 0, 1
        if not header or crc(header[1]) != header[4]: return heads, f'{name}:1: commit {int(name[:16])}: not a header'
        if (int(header[2]), header[3]) != (seq + 1, prev): return heads, f'{name}:1: commit {seq + 1}: the segment does not follow'
        at = header.end()
        while at < len(data):
            end, first, line = whole(data, at), seq + 1, line + 1
            later = (m.start() for m in FRAME.finditer(data, at + 1))
            if not end and name == names[-1] and not any(whole(data, p) for p in later): break  # the unfinished end
            frame = FRAME.match(data, at)
            if not frame: return heads, f'{name}:{line}: commit {first}: not a batch'
            stop = FRAME.search(data, frame.end())
            for text in data[frame.end():stop.start() if stop else len(data)].split(b'\n')[:-1]:
                commit, line = COMMIT.fullmatch(text), line + 1
                if not commit or hashlib.sha256(commit[1]).hexdigest().encode() != commit[4]:
                    return heads, f'{name}:{line}: commit {seq + 1}: changed'
                if int(commit[2]) != seq + 1: return heads, f'{name}:{line}: commit {seq + 1}: here stands commit {int(commit[2])}'
                if commit[3] != prev: return heads, f'{name}:{line}: commit {max(1, seq)}: replaced, or the one behind it'
                seq, prev = seq + 1, commit[4]
                heads[seq] = prev
            if not end: return heads, f'{name}:{line}: commit {first}: the batch is not what its first line says'
            at = end
    return heads, None

if __name__ == '__main__':
    heads, problem = verify(sys.argv[1])
    want, _, known = sys.argv[2].partition(':') if len(sys.argv) > 2 else ('0', ':', '0' * 64)
    if not problem and len(sys.argv) > 2 and heads.get(int(want)) != known.encode(): problem = f'commit {min(int(want), max(heads) + 1)}: the given head is not in the chain'
    print(problem or f'sound: head {max(heads)}:{heads[max(heads)].decode()}')
    sys.exit(1 if problem else 0)
