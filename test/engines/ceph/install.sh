#!/usr/bin/env bash
# Ceph's monitor, OSD and S3 gateway out of Debian's or Ubuntu's packages, for the suites that need a real S3 store. Does nothing
# where they are installed or unpacked already. Root is not needed: packages are unpacked into a folder, without their scripts.
# Usage: install.sh FOLDER. 62 MB to download, 236 MB on disk.
set -euo pipefail
folder=$(realpath -m "${1:?usage: install.sh FOLDER}")
wanted=(radosgw ceph-mon ceph-osd)

if command -v "${wanted[@]}" >/dev/null && [ "$(command -v "${wanted[@]}" | wc -l)" = 3 ]; then exit 0; fi
if [ -e "$folder/complete" ]; then exit 0; fi
command -v apt-get >/dev/null || { echo "no apt-get here: install ${wanted[*]} yourself" >&2; exit 1; }

missing() { apt-get -s install --no-install-recommends "${wanted[@]}" 2>/dev/null | awk '/^Inst/ { print $2 }'; }
# Package lists may be missing (images come without) or too old to download by.
if [ "$(id -u)" = 0 ]; then apt-get update -qq; fi
packages=$(missing | grep -vE '^(hdparm|logrotate|nvme-cli|dmidecode|parted|libparted2|smartmontools|xfsprogs|dmeventd|lvm2|sudo|gdisk|uuid-runtime|python3-(certifi|requests|chardet|urllib3|idna))$' || true)
[ -n "$packages" ] || { echo "apt-get knows no package radosgw: run apt-get update as root" >&2; exit 1; }

downloads=$(mktemp -d)
trap 'rm -rf "$downloads"' EXIT
chmod 755 "$downloads"
# Word by word: one package each.
# shellcheck disable=SC2086
(cd "$downloads" && apt-get -o APT::Sandbox::User="$(id -un)" download -qq $packages)
rm -rf "$folder"
mkdir -p "$folder"
for package in "$downloads"/*.deb; do dpkg -x "$package" "$folder"; done
touch "$folder/complete"
