#!/bin/bash
# Sets up falco-bootstrap on an OKE node, as one part of multi-part user data. Its
# file name sorts after the part that joins the cluster (50-oke.sh). It only writes
# files and starts a detached unit, so joining neither waits for it nor fails with
# it: falco-bootstrap-firstboot.service fetches the agent and runs it.
#   --root DIR   write into the tree of an image that is being built
#   --no-start   do not start the units now, but at the next boot

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
# Environment of falco-bootstrap.service and its first-boot unit.
# Any setting of falco-bootstrap can be set here as FALCO_BOOTSTRAP_…, and so
# can https_proxy and no_proxy.
FALCO_BOOTSTRAP_DRY_RUN=false
FB_END
}

fb_write_firstboot() {
  fb_write 0700 /usr/local/libexec/falco-bootstrap/firstboot <<'FB_END'
#!/bin/bash
# Fetches the pinned falco-bootstrap, installs it and runs it once.
#   firstboot         fetch, then run falco-bootstrap.service
#   firstboot fetch   only fetch
# Exit statuses are those of falco-bootstrap: 4 if the file is not the pinned one, 5 if
# it cannot be fetched.
set -u -o pipefail
umask 022
root=${FB_ROOT:-}
home=$root/usr/local/libexec/falco-bootstrap
target=$root/usr/local/bin/falco-bootstrap
state=$root/var/lib/falco-bootstrap

say() { printf 'falco-bootstrap-firstboot: %s\n' "$*" >&2; }
die() { local rc=$1; shift; say "error: $*"; exit "$rc"; }

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

# A rename within one file system replaces even a running binary atomically.
install_binary() {
  chmod 0755 -- "$1" && sync -- "$1" && mkdir -p -- "${target%/*}" && mv -fT -- "$1" "$target" || return 1
  [ -n "$root" ] || ! command -v restorecon >/dev/null || restorecon -- "$target" || true
}

fetch() {
  local new=$home/falco-bootstrap.new pause
  is_pinned "$target" && return 0
  for pause in ${FB_FETCH_PAUSES:-5 10 20 40 60 0}; do
    rm -f -- "$new"
    if download "$new" && has_size "$new"; then
      is_pinned "$new" || { rm -f -- "$new"; die 4 "$url: SHA-256 is not the pinned one"; }
      install_binary "$new" || die 1 "$target: cannot be written"
      say "$url: installed as $target"
      return 0
    fi
    say "$url: download failed or incomplete"
    sleep "$pause"
  done
  rm -f -- "$new"
  die 5 "$url: cannot be fetched"
}

run() {
  local rc
  if systemctl start falco-bootstrap.service; then
    mkdir -p -- "$state" && : >"$state/firstboot.done"
    return 0
  fi
  rc=$(systemctl show -p ExecMainStatus falco-bootstrap.service)
  rc=${rc#*=}
  case $rc in
    3 | 4 | 6 | 64) die "$rc" "falco-bootstrap exited with $rc; see journalctl -u falco-bootstrap" ;;
    *) die 1 "falco-bootstrap exited with $rc; trying again later" ;;
  esac
}

main() {
  load_pins
  fetch
  [ "${1:-}" = fetch ] || run
}

main "$@"
FB_END
}

fb_write_units() {
  fb_write 0644 /etc/systemd/system/falco-bootstrap.service <<'FB_END' || return 1
# One run of falco-bootstrap, started by the timer or by `systemctl start`.
# FALCO_BOOTSTRAP_DRY_RUN=true in /etc/sysconfig/falco-bootstrap makes every run
# an audit that changes nothing.
#
# It is not sandboxed: it installs packages, and rpm scriptlets need the whole
# node. NoNewPrivileges= would also keep them out of their SELinux domains.
[Unit]
Description=Converge or audit Falco on this node
Documentation=https://github.com/falco-bootstrap/falco-bootstrap
ConditionFileIsExecutable=/usr/local/bin/falco-bootstrap
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
EnvironmentFile=-/etc/sysconfig/falco-bootstrap
# Standard output goes to the journal. --report-file appends the same object as one
# line: StandardOutput=append: needs systemd 240, and Oracle Linux 8 has 239.
ExecStart=/usr/local/bin/falco-bootstrap --output json --report-file /var/log/falco-bootstrap-report.json
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
# Starts falco-bootstrap four times a day, spread over an hour so that the nodes of
# a fleet do not all query their mirrors at once.
[Unit]
Description=Keep Falco on this node as declared
Documentation=https://github.com/falco-bootstrap/falco-bootstrap

[Timer]
OnBootSec=15min
OnCalendar=*-*-* 00/6:00:00
RandomizedDelaySec=1h
AccuracySec=1min

[Install]
WantedBy=timers.target
FB_END
  fb_write 0644 /etc/systemd/system/falco-bootstrap-firstboot.service <<'FB_END'
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

# Oracle's module does this in its own parts; the complete script must do it itself.
fb_prepare_node() {
  [ "${fb_grow:-no}" = no ] || timeout 300 /usr/libexec/oci-growfs -y || fb_say 'growing the root file system failed'
  [ -z "$fb_timezone" ] || timeout 60 timedatectl set-timezone "$fb_timezone" || fb_say "setting the time zone $fb_timezone failed"
}

fb_main() {
  fb_root='' fb_now=yes
  while [ $# -gt 0 ]; do
    case $1 in
      --root) fb_root=$2; shift ;;
      --no-start) fb_now=no ;;
      *) fb_say "$1: unknown argument"; return 0 ;;
    esac
    shift
  done
  umask 022
  [ -n "$fb_root" ] || fb_prepare_node
  if fb_private_dir && fb_write_release && fb_write_settings && fb_write_firstboot && fb_write_units && fb_start; then
    fb_say 'set up; follow it with journalctl -u falco-bootstrap-firstboot -u falco-bootstrap'
  else
    fb_say 'error: not set up; the lines above say why'
  fi
}

# Nothing runs before this line is read, so a truncated script does nothing. The exit
# status is always 0: otherwise cloud-init would report the whole node as failed.
fb_main "$@"
exit 0
