"""Peer of the bench: the Python IDL follows a stream of updates of one counter. Arguments: socket path, schema file,
value of external_ids:bench at which the stream ends. Prints "ready" once it is in sync, then one line of JSON."""

import json
import resource
import sys
import time

import ovs.db.idl
import ovs.poller


def main():
    path, schema_file, last = sys.argv[1], sys.argv[2], sys.argv[3]
    helper = ovs.db.idl.SchemaHelper(schema_file)
    helper.register_columns("Interface", ["name", "external_ids"])
    helper.register_columns("Open_vSwitch", ["external_ids"])
    idl = ovs.db.idl.Idl("unix:" + path, helper)
    is_ready = False
    start = cpu = 0.0
    while True:
        idl.run()
        if idl.change_seqno:
            if not is_ready:
                is_ready = True
                print("ready", flush=True)
                cpu, start = time.process_time(), time.monotonic()
            root = next(iter(idl.tables["Open_vSwitch"].rows.values()))
            if root.external_ids.get("bench") == last:
                break
        poller = ovs.poller.Poller()
        idl.wait(poller)
        poller.block()
    print(json.dumps({"ms": (time.monotonic() - start) * 1000, "cpuMs": (time.process_time() - cpu) * 1000}))


main()
