#!/bin/sh
# Makes the layer of the application, file for file as it will lie in the image: sh containerfile/build-app.sh DIRECTORY.
# Runs in the build stage, in the source tree, after npm ci. The same sources and SOURCE_DATE_EPOCH give the same bytes.
set -eu

app=$1
epoch=${SOURCE_DATE_EPOCH:?}
programs=$app/usr/lib/dpu-node-agent
documents=$app/usr/share/doc/dpu-node-agent

umask 022
mkdir -p "$programs" "$documents" "$app/usr/bin" "$app/etc/dpu-node-agent"
node scripts/bundle.mjs --out "$programs"
# A source map is as large as its program; `npm run bundle` makes the same ones from the same sources.
rm -f "$programs"/*.map
chmod 755 "$programs"/*.mjs
ln -s ../lib/dpu-node-agent/dpuctl.mjs "$app/usr/bin/dpuctl"
cp LICENSE "$documents/LICENSE"
node containerfile/documents.mjs "$documents"

# Directories that belong to the user of the image; who that is, the last stage says.
mkdir -p /owned/run /owned/state

# What was made must at least start.
node "$programs/dpu-node-agent.mjs" --version
"$app/usr/bin/dpuctl" --help >/dev/null

find "$app" /owned -exec touch -h -d "@$epoch" {} +
