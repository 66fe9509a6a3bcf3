"""Peer of the bench: the Python IDL of Open vSwitch reads the same tables and columns. Run with Debian's own python3,
whose ovs package has the JSON parser in C. Arguments: socket path, schema file, JSON of {table: [column, ...]}.
Prints one line of JSON. Time starts after the imports, as it does for the other peers."""

import json
import resource
import sys
import time

import ovs.db.idl
import ovs.poller


def rss_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def main():
    path, schema_file, columns = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    rss_before = rss_bytes()
    cpu_before, start = time.process_time(), time.monotonic()
    helper = ovs.db.idl.SchemaHelper(schema_file)
    for table, names in columns.items():
        helper.register_columns(table, names)
    idl = ovs.db.idl.Idl("unix:" + path, helper)
    while not idl.has_ever_connected() or idl.change_seqno == 0:
        idl.run()
        if idl.change_seqno:
            break
        poller = ovs.poller.Poller()
        idl.wait(poller)
        poller.block()
    ms = (time.monotonic() - start) * 1000
    print(json.dumps({
        "ms": ms,
        "cpuMs": (time.process_time() - cpu_before) * 1000,
        "rssBefore": rss_before,
        "rssAfter": rss_bytes(),
        "rssPeak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "rows": sum(len(idl.tables[table].rows) for table in columns),
    }))


main()
