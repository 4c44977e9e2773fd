#!/bin/bash
# falco-bootstrap on an OKE node, as one part of multi-part user data. Its file
# name sorts after the part that joins the cluster (50-oke.sh). It only writes
# files and starts a detached unit, so the join can neither wait for it nor fail
# with it: fetching and converging happen in falco-bootstrap-firstboot.service.
#   --root DIR   write into the tree of an image that is being baked
#   --no-start   start nothing now; the units start at the next boot

# >>> settings
# Pinned release. A node fetches nothing while these are empty.
fb_url_x86_64=''
fb_size_x86_64=''
fb_sha256_x86_64=''
fb_url_aarch64=''
fb_size_aarch64=''
fb_sha256_aarch64=''
# The only scheme that the fetch accepts; anything but https is for tests.
fb_proto='https'
# converge, or audit: report drift and change nothing.
fb_mode='converge'
# The node's time zone, e.g. Europe/Zurich. Empty: leave it.
fb_timezone=''
# /etc/falco-bootstrap.yaml. Empty: keep the file that the image has.
fb_settings='falco:
  config:
    json_output: true
    file_output:
      enabled: true
      filename: /var/log/falco.log
'
# <<< settings

fb_say() {
  printf 'falco-bootstrap: %s\n' "$*" >&2
  logger -t falco-bootstrap -- "$*" 2>/dev/null || true
}

# fb_write MODE FILE writes standard input, whole or not at all. What is so
# already is left alone; what is new makes the first-boot unit run once more.
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

# Nobody but root may look at or touch what is about to run as root.
fb_private_folder() {
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
# Any setting of falco-bootstrap can stand here as FALCO_BOOTSTRAP_…;
# so can https_proxy and no_proxy.
FALCO_BOOTSTRAP_DRY_RUN=false
FB_END
}

fb_write_firstboot() {
  fb_write 0700 /usr/local/libexec/falco-bootstrap/firstboot <<'FB_END'
#!/bin/bash
# Fetches the pinned falco-bootstrap, puts it in place and runs it once.
#   firstboot         fetch, then run falco-bootstrap.service
#   firstboot fetch   fetch only
# Exit: as falco-bootstrap; 4 if the file is not the pinned one, 5 if the
# server cannot be reached.
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
  . "$home/release" || die 64 "$home/release: cannot be read"
  case $arch in
    x86_64) url=$url_x86_64 size=$size_x86_64 sha256=$sha256_x86_64 ;;
    aarch64) url=$url_aarch64 size=$size_aarch64 sha256=$sha256_aarch64 ;;
    *) die 3 "no release for $arch" ;;
  esac
  [[ $sha256 =~ ^[0-9a-f]{64}$ && $size =~ ^[1-9][0-9]*$ && -n $url ]] ||
    die 64 "URL, size and SHA-256 for $arch are not pinned"
}

has_size() { [ "$(stat -c %s -- "$1" 2>/dev/null)" = "$size" ]; }
is_pinned() { has_size "$1" && sha256sum --check --status <<<"$sha256  $1"; }

# The file size limit stops a server that sends for ever: older curl holds
# --max-filesize only against an announced length.
download() (
  ulimit -f $((size / 1024 + 1))
  exec curl --fail --silent --show-error --location --globoff \
    --proto "=$proto" --proto-redir "=$proto" --tlsv1.2 \
    --connect-timeout 15 --speed-limit 1024 --speed-time 30 --max-time 300 \
    --max-filesize "$size" --output "$1" -- "$url"
)

# Same file system, so the rename replaces a running binary whole or not at all.
put_in_place() {
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
      put_in_place "$new" || die 1 "$target: cannot be put in place"
      say "$url: installed as $target"
      return 0
    fi
    say "$url: not fetched whole"
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
    3 | 4 | 6 | 64) die "$rc" "falco-bootstrap ended with $rc; see journalctl -u falco-bootstrap" ;;
    *) die 1 "falco-bootstrap ended with $rc; trying again later" ;;
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
# One run of falco-bootstrap. The timer starts it; `systemctl start` does too.
# FALCO_BOOTSTRAP_DRY_RUN=true in /etc/sysconfig/falco-bootstrap makes every run
# an audit that changes nothing.
#
# Not sandboxed: the run installs packages, and rpm scriptlets need the node as
# it is. NoNewPrivileges= would also keep them out of their SELinux domains.
[Unit]
Description=Converge or audit Falco on this node
Documentation=https://github.com/falco-bootstrap/falco-bootstrap
ConditionFileIsExecutable=/usr/local/bin/falco-bootstrap
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
EnvironmentFile=-/etc/sysconfig/falco-bootstrap
# The journal gets standard output. --report-file appends the same object as one
# line, because StandardOutput=append: needs systemd 240 and Oracle Linux 8 has 239.
ExecStart=/usr/local/bin/falco-bootstrap --output json --report-file /var/log/falco-bootstrap-report.json
# Exit 2 is an audit that found drift: a finding, told in the report, not a fault.
SuccessExitStatus=2
# Over the run's own bound of 15 minutes, so that its report comes first.
TimeoutStartSec=20min
TimeoutStopSec=1min
UMask=0022
Nice=10
IOSchedulingClass=idle
# dnf has been seen at 3 GB on small nodes: if memory ends, end this, not a pod.
OOMScoreAdjust=500
FB_END
  fb_write 0644 /etc/systemd/system/falco-bootstrap.timer <<'FB_END' || return 1
# Starts falco-bootstrap four times a day, spread over an hour so that a fleet
# does not ask its mirrors all at once.
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
# Fetches the pinned falco-bootstrap and runs it, until that has worked once.
#
# Type=simple, not oneshot: multi-user.target waits for a oneshot, and
# cloud-init 24.4 and later runs the join script after multi-user.target, so a
# oneshot that hangs would keep the node out of its cluster. It is also not
# ordered after cloud-final.service, which would close a cycle there.
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
# Host unfit, trust, configuration, settings: trying again would not help.
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

# What Oracle's own module does in parts of its own; the complete script has to.
fb_prepare_node() {
  [ "${fb_grow:-no}" = no ] || timeout 300 /usr/libexec/oci-growfs -y || fb_say 'the root file system was not grown'
  [ -z "$fb_timezone" ] || timeout 60 timedatectl set-timezone "$fb_timezone" || fb_say "$fb_timezone: time zone not set"
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
  if fb_private_folder && fb_write_release && fb_write_settings && fb_write_firstboot && fb_write_units && fb_start; then
    fb_say 'set up; follow it with journalctl -u falco-bootstrap-firstboot -u falco-bootstrap'
  else
    fb_say 'error: not set up; the lines above say why'
  fi
}

# Nothing runs before this line is read, so a script cut short does nothing.
# The exit status is 0 in any case: cloud-init would call the whole node failed.
fb_main "$@"
exit 0
