"""Peer of the bench: the Python IDL of Open vSwitch keeps a replica of the same tables and columns and does nothing else.
Run with Debian's own python3, whose ovs package has the JSON parser in C. Arguments: socket path, schema file, JSON of
{table: [column, ...]}. Prints "ready" once it is in sync, and follows the database until it is killed."""

import json
import sys

import ovs.db.idl
import ovs.poller


def main():
    path, schema_file, columns = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    helper = ovs.db.idl.SchemaHelper(schema_file)
    with open(schema_file, encoding="utf8") as schema:
        tables = json.load(schema)["tables"]
    for table, names in columns.items():
        if table in tables:
            helper.register_columns(table, [name for name in names if name in tables[table]["columns"]])
    idl = ovs.db.idl.Idl("unix:" + path, helper)
    is_told = False
    while True:
        idl.run()
        if idl.has_ever_connected() and not is_told:
            is_told = True
            print("ready", flush=True)
        poller = ovs.poller.Poller()
        idl.wait(poller)
        poller.block()


main()
