#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Sets up falco-bootstrap on an OKE node, as one part of multi-part user data. Its
# file name sorts after the part that joins the cluster (50-oke.sh). It only writes
# files and starts a detached unit, so joining neither waits for it nor fails with
# it: falco-bootstrap-firstboot.service fetches the agent and runs it.
#   --root DIR   write into the tree of an image that is being built
#   --no-start   do not start the units now, but at the next boot
#   --strict     exit with 1 if something could not be set up, 64 if there is no
#                pin for this architecture; otherwise the exit status is 0

# >>> settings
# The pinned release. While these are empty, a node fetches nothing.
fb_url_x86_64=''
fb_size_x86_64=''
fb_sha256_x86_64=''
fb_url_aarch64=''
fb_size_aarch64=''
fb_sha256_aarch64=''
# The only URL scheme allowed; anything but https is for tests.
fb_proto='https'
# converge, or audit, which reports drift and changes nothing.
fb_mode='converge'
# The node's time zone, for example Europe/Zurich. Empty: do not change it.
fb_timezone=''
# /etc/falco-bootstrap.yaml; see docs/settings.md. Empty: keep the image's file.
fb_settings='falco:
  config:
    json_output: true
'
# <<< settings

fb_say() {
  printf 'falco-bootstrap: %s\n' "$*" >&2
  logger -t falco-bootstrap -- "$*" 2>/dev/null || true
}

# fb_write MODE FILE replaces FILE with standard input, completely or not at all. If
# the content is the same, it does nothing; otherwise the first-boot unit will run
# again.
fb_write() {
  local file=$fb_root$2
  mkdir -p -- "${file%/*}" && (umask 077 && cat >"$file.new") && chmod "$1" -- "$file.new" || return 1
  if cmp -s -- "$file.new" "$file"; then
    rm -f -- "$file.new"
    return 0
  fi
  mv -fT -- "$file.new" "$file" && rm -f -- "$fb_root/var/lib/falco-bootstrap/firstboot.done" || return 1
  [ -n "$fb_root" ] || ! command -v restorecon >/dev/null || restorecon -- "$file" || true
}

# Only root may read or change what will run as root.
fb_private_dir() {
  mkdir -p -- "$fb_root/usr/local/libexec/falco-bootstrap" && chmod 0700 -- "$fb_root/usr/local/libexec/falco-bootstrap"
}

fb_write_release() {
  printf '%s=%q\n' \
    url_x86_64 "$fb_url_x86_64" size_x86_64 "$fb_size_x86_64" sha256_x86_64 "$fb_sha256_x86_64" \
    url_aarch64 "$fb_url_aarch64" size_aarch64 "$fb_size_aarch64" sha256_aarch64 "$fb_sha256_aarch64" \
    proto "$fb_proto" | fb_write 0600 /usr/local/libexec/falco-bootstrap/release
}

fb_write_settings() {
  local dry=false
  [ "$fb_mode" = audit ] && dry=true
  if [ -n "$fb_settings" ]; then
    printf '%s' "$fb_settings" | fb_write 0600 /etc/falco-bootstrap.yaml || return 1
  fi
  sed "s/^FALCO_BOOTSTRAP_DRY_RUN=.*/FALCO_BOOTSTRAP_DRY_RUN=$dry/" <<'FB_END' | fb_write 0644 /etc/sysconfig/falco-bootstrap
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Environment of falco-bootstrap.service and its first-boot unit.
# Any setting of falco-bootstrap can be set here as FALCO_BOOTSTRAP_…, and so
# can https_proxy and no_proxy.
FALCO_BOOTSTRAP_DRY_RUN=false
FB_END
}

fb_write_firstboot() {
  fb_write 0700 /usr/local/libexec/falco-bootstrap/firstboot <<'FB_END'
#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the pinned falco-bootstrap, installs it and runs it once.
#   firstboot         fetch, then run falco-bootstrap.service
#   firstboot fetch   only fetch
# Exit status: as falco-bootstrap's; 4 if the file is not the pinned one, 5 if it
# cannot be fetched. If falco-bootstrap did not report a failure, this script does,
# in docs/report.schema.json's form, so that a node without Falco is seen.
set -u -o pipefail
umask 022
root=${FB_ROOT:-}
home=$root/usr/local/libexec/falco-bootstrap
target=$root/usr/bin/falco-bootstrap
state=$root/var/lib/falco-bootstrap
reports=$root/var/log/falco-bootstrap-report.json

say() { printf 'falco-bootstrap-firstboot: %s\n' "$*" >&2; }
die() { local rc=$1; shift; say "error: $*"; report "$rc" "$*"; exit "$rc"; }

json() {
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

reported() { stat -c %s -- "$reports" 2>/dev/null || echo 0; }

# The unit tries again every few minutes: the same failure is reported once an hour.
report() {
  local code=$1 name=failed mode=converge last=$state/firstboot.failed
  case $code in
    3) name=preflight ;;
    4) name=trust ;;
    5) name=packages ;;
    6) name=config-refused ;;
    64) name=usage ;;
    *) code=1 ;;
  esac
  [ "${FALCO_BOOTSTRAP_DRY_RUN:-}" != true ] || mode=dry-run
  mkdir -p -- "$state" "${reports%/*}"
  [ "$2" != "$(cat -- "$last" 2>/dev/null)" ] || [ -z "$(find "$last" -mmin -60)" ] || return 0
  printf '{"schema_version":1,"tool":{"name":"falco-bootstrap-firstboot","version":""},"host":{"hostname":%s,"kernel":%s,"arch":%s},"mode":"%s","root":%s,"result":"failed","exit":{"code":%d,"name":"%s"},"started":"%s","duration_ms":%d,"drift":[],"steps":[],"summary":{"change":0,"changed":0,"ok":0,"waiting":0,"unknown":0,"failed":0,"skipped":0},"error":{"code":%d,"name":"%s","message":%s,"hint":"see journalctl -u falco-bootstrap-firstboot"}}\n' \
    "$(json "$(uname -n)")" "$(json "$(uname -r)")" "$(json "$(uname -m)")" "$mode" "$(json "${root:-/}")" \
    "$code" "$name" "$started" $((SECONDS * 1000)) "$code" "$name" "$(json "$2")" >>"$reports" &&
    printf '%s\n' "$2" >"$last"
}

load_pins() {
  local arch url_x86_64='' size_x86_64='' sha256_x86_64='' url_aarch64='' size_aarch64='' sha256_aarch64=''
  proto=https
  arch=$(uname -m)
  # shellcheck source=/dev/null
  . "$home/release" || die 64 "$home/release: not readable"
  case $arch in
    x86_64) url=$url_x86_64 size=$size_x86_64 sha256=$sha256_x86_64 ;;
    aarch64) url=$url_aarch64 size=$size_aarch64 sha256=$sha256_aarch64 ;;
    *) die 3 "there is no release for $arch" ;;
  esac
  [[ $sha256 =~ ^[0-9a-f]{64}$ && $size =~ ^[1-9][0-9]*$ && -n $url ]] ||
    die 64 "URL, size and SHA-256 for $arch are not pinned"
  # What is said names only the host: the path of a pre-authenticated request is a secret.
  host=${url#*://}
  host=${host%%/*}
  host=${host##*@}
}

has_size() { [ "$(stat -c %s -- "$1" 2>/dev/null)" = "$size" ]; }
is_pinned() { has_size "$1" && sha256sum --check --status <<<"$sha256  $1"; }

# The file size limit stops a server that never stops sending: older curl compares
# --max-filesize only with an announced length.
download() (
  ulimit -f $((size / 1024 + 1))
  exec curl --fail --silent --show-error --location --globoff \
    --proto "=$proto" --proto-redir "=$proto" --tlsv1.2 \
    --connect-timeout 15 --speed-limit 1024 --speed-time 30 --max-time 300 \
    --max-filesize "$size" --output "$1" -- "$url"
)

# Anybody but root who owns or may write the file could change it after the check.
is_secure() { [ "$(stat -c '%u %a' -- "$target" 2>/dev/null)" = "$(id -u) 755" ]; }

# A rename within one file system replaces even a running binary atomically.
install_binary() {
  chmod 0755 -- "$1" && sync -- "$1" && mkdir -p -- "${target%/*}" && mv -fT -- "$1" "$target" || return 1
  [ -n "$root" ] || ! command -v restorecon >/dev/null || restorecon -- "$target" || true
}

fetch() {
  local new=$home/falco-bootstrap.new pause
  is_pinned "$target" && is_secure && return 0
  rm -f -- "$new"
  # A copy, because somebody may hold the old file open.
  if is_pinned "$target" && cp -- "$target" "$new" && is_pinned "$new"; then
    install_binary "$new" || die 1 "$target: cannot be written"
    say "$target: owner and file mode set"
    return 0
  fi
  for pause in ${FB_FETCH_PAUSES:-5 10 20 40 60 0}; do
    rm -f -- "$new"
    if download "$new" && has_size "$new"; then
      is_pinned "$new" || { rm -f -- "$new"; die 4 "$host: SHA-256 is not the pinned one"; }
      install_binary "$new" || die 1 "$target: cannot be written"
      say "$host: installed as $target"
      return 0
    fi
    say "$host: download failed or incomplete"
    sleep "$pause"
  done
  rm -f -- "$new"
  die 5 "$host: cannot be fetched"
}

# status NAME prints a property of falco-bootstrap.service.
status() { local value; value=$(systemctl show -p "$1" falco-bootstrap.service) && echo "${value#*=}"; }

run() {
  local rc before
  before=$(reported)
  if systemctl start falco-bootstrap.service; then
    # A unit whose conditions are not met counts as started.
    [ "$(status ConditionResult)" = yes ] || die 1 "falco-bootstrap.service did not run: its conditions are not met"
    mkdir -p -- "$state" && : >"$state/firstboot.done"
    return 0
  fi
  rc=$(status ExecMainStatus)
  if [ "$(reported)" = "$before" ]; then
    report "$rc" "falco-bootstrap exited with $rc and wrote no report"
  fi
  case $rc in
    3 | 4 | 6 | 64) ;;
    *) rc=1 ;;
  esac
  say "error: falco-bootstrap failed; see journalctl -u falco-bootstrap"
  exit "$rc"
}

main() {
  started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  load_pins
  fetch
  [ "${1:-}" = fetch ] || run
}

main "$@"
FB_END
}

fb_write_units() {
  fb_write 0644 /etc/systemd/system/falco-bootstrap.service <<'FB_END' || return 1
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# One run of falco-bootstrap, started by the timer or by `systemctl start`.
# FALCO_BOOTSTRAP_DRY_RUN=true in /etc/sysconfig/falco-bootstrap makes every run
# an audit that changes nothing.
#
# It is not sandboxed: it installs packages, and rpm scriptlets need the whole
# node. NoNewPrivileges= would also keep them out of their SELinux domains.
[Unit]
Description=Converge or audit Falco on this node
Documentation=https://github.com/falco-bootstrap/falco-bootstrap
AssertFileIsExecutable=/usr/bin/falco-bootstrap
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
# Metrics for node_exporter, where its textfile collector has this directory.
Environment=FALCO_BOOTSTRAP_METRICS=-/var/lib/node_exporter/textfile_collector/falco-bootstrap.prom
EnvironmentFile=-/etc/sysconfig/falco-bootstrap
# Standard output goes to the journal. --report-file appends the same object as one
# line: StandardOutput=append: needs systemd 240, and Oracle Linux 8 has 239.
ExecStart=/usr/bin/falco-bootstrap --output json --report-file /var/log/falco-bootstrap-report.json
# An audit that found drift has succeeded: the drift is in the report.
SuccessExitStatus=2
# Longer than the run's own limit of 15 minutes, so that the run can still report.
TimeoutStartSec=20min
TimeoutStopSec=1min
UMask=0022
Nice=10
IOSchedulingClass=idle
# dnf was seen to use 3 GB on small nodes: if memory runs out, kill this, not a pod.
OOMScoreAdjust=500
FB_END
  fb_write 0644 /etc/systemd/system/falco-bootstrap.timer <<'FB_END' || return 1
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Starts falco-bootstrap 5 to 30 minutes after each boot and four times a day, spread
# so that the nodes of a fleet do not all query their mirrors at once.
# RandomizedDelaySec= delays the first run after a boot too.
[Unit]
Description=Keep Falco on this node as declared
Documentation=https://github.com/falco-bootstrap/falco-bootstrap

[Timer]
OnBootSec=5min
OnCalendar=*-*-* 00/6:00:00
RandomizedDelaySec=25min
AccuracySec=1min

[Install]
WantedBy=timers.target
FB_END
  fb_write 0644 /etc/systemd/system/falco-bootstrap-firstboot.service <<'FB_END'
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Fetches the pinned falco-bootstrap and runs it, until that has succeeded once.
#
# Type=simple, not oneshot: multi-user.target waits for a oneshot, and
# cloud-init 24.4 and later run the join script after multi-user.target, so a
# oneshot that hangs would keep the node out of its cluster. Nor is it ordered
# after cloud-final.service: that would be an ordering cycle.
[Unit]
Description=Fetch falco-bootstrap and run it for the first time
Documentation=https://github.com/falco-bootstrap/falco-bootstrap
ConditionPathExists=!/var/lib/falco-bootstrap/firstboot.done
Wants=network-online.target
After=network-online.target

[Service]
Type=simple
EnvironmentFile=-/etc/sysconfig/falco-bootstrap
ExecStart=/usr/local/libexec/falco-bootstrap/firstboot
Restart=on-failure
RestartSec=2min
# Running again does not help with these exit statuses.
RestartPreventExitStatus=3 4 6 64
RuntimeMaxSec=1h
TimeoutStopSec=30s
Nice=10
IOSchedulingClass=idle
OOMScoreAdjust=500

[Install]
WantedBy=multi-user.target
FB_END
}

fb_start() {
  local units='falco-bootstrap-firstboot.service falco-bootstrap.timer'
  # shellcheck disable=SC2086 # two units
  if [ -n "$fb_root" ]; then
    systemctl --root="$fb_root" enable $units
  elif [ "$fb_now" = yes ]; then
    timeout 60 systemctl daemon-reload && timeout 60 systemctl enable $units &&
      timeout 60 systemctl restart --no-block $units
  else
    timeout 60 systemctl enable $units
  fi
}

# Oracle's module does this in its own part; the complete script must do it itself.
fb_set_timezone() {
  [ -z "$fb_timezone" ] || timeout 60 timedatectl set-timezone "$fb_timezone" || fb_say "setting the time zone $fb_timezone failed"
}

fb_pinned() {
  local url size sha256
  url=fb_url_$(uname -m) size=fb_size_$(uname -m) sha256=fb_sha256_$(uname -m)
  [ -n "${!url:-}" ] && [ -n "${!size:-}" ] && [ -n "${!sha256:-}" ]
}

fb_main() {
  fb_root='' fb_now=yes fb_strict=no
  while [ $# -gt 0 ]; do
    case $1 in
      --root) fb_root=$2; shift ;;
      --no-start) fb_now=no ;;
      --strict) fb_strict=yes ;;
      *) fb_say "error: $1: unknown argument"; return 64 ;;
    esac
    shift
  done
  umask 022
  if ! fb_pinned; then
    fb_say "error: URL, size and SHA-256 for $(uname -m) are not pinned"
    [ "$fb_strict" = no ] || return 64
  fi
  [ -n "$fb_root" ] || fb_set_timezone
  if fb_private_dir && fb_write_release && fb_write_settings && fb_write_firstboot && fb_write_units && fb_start; then
    fb_say 'set up; follow it with journalctl -u falco-bootstrap-firstboot -u falco-bootstrap'
  else
    fb_say 'error: not set up; the lines above say why'
    return 1
  fi
}

# Nothing runs before this line is read, so a truncated script does nothing. Without
# --strict the exit status is that of the join, or 0: with another, cloud-init would
# report a node as failed that has joined.
fb_main "$@"
fb_status=$?
[ "${fb_strict:-}" = yes ] || fb_status=${fb_joined:-0}
exit "$fb_status"
