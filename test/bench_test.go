// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Sizes of the generated repositories, in packages. Oracle's BaseOS and EPEL for
// Oracle Linux 9 are about as large.
const (
	baseosPackages = 30000
	epelPackages   = 10000
)

// pairs is how often each side runs, in turn with the others.
const pairs = 7

// script is the cloud-init script that the agent replaces, with what it needs to run
// at all on Oracle Linux 9 with Falco 0.44: the repository's id and key of today, the
// node's own server, the kernel release of the setup, and FALCO_FRONTEND, without which
// Falco's scriptlet asks at a terminal.
const script = `
export FALCO_FRONTEND=noninteractive
dnf config-manager --set-enabled ol9_developer_EPEL
rpm --import http://127.0.0.1:8089/keys/falcosecurity-packages.asc
curl -s -o /etc/yum.repos.d/falcosecurity.repo http://127.0.0.1:8089/falcosecurity.repo
yum -y install kernel-devel-@KERNEL@
yum -y install falco
awk -i inplace '/file_output:/,/enabled: false/{sub("false", "true", $0)}{print}' /etc/falco/falco.yaml
awk -i inplace '/file_output:/,/filename:/{sub("./events.txt", "/var/log/falco.log", $0)}{print}' /etc/falco/falco.yaml
systemctl enable falco --now
dnf config-manager --set-disabled ol9_developer_EPEL
`

// floors are what no tool can do without: the same result with the same checks, in
// one transaction of the repositories that have the packages, and a look at the
// package and the unit.
const (
	floorModern = `
export FALCO_FRONTEND=noninteractive FALCO_DRIVER_CHOICE=none FALCOCTL_ENABLED=no
rpm --import http://127.0.0.1:8089/keys/falcosecurity-packages.asc
curl -s -o /etc/yum.repos.d/falcosecurity.repo http://127.0.0.1:8089/falcosecurity.repo
dnf -y --disablerepo='*' --enablerepo=falcosecurity-rpm install falco
systemctl enable --now falco-modern-bpf.service
`
	floorKmod = `
export FALCO_FRONTEND=noninteractive FALCO_DRIVER_CHOICE=none FALCOCTL_ENABLED=no
rpm --import http://127.0.0.1:8089/keys/falcosecurity-packages.asc
curl -s -o /etc/yum.repos.d/falcosecurity.repo http://127.0.0.1:8089/falcosecurity.repo
dnf -y --disablerepo='*' --enablerepo=falcosecurity-rpm,ol9_baseos_latest,ol9_appstream,ol9_developer_EPEL install falco dkms kernel-devel-@KERNEL@
falcoctl driver config --type kmod
falcoctl driver install --download=false --kernelrelease=@KERNEL@
systemctl enable --now falco-kmod.service
`
	floorAgain = `
setpriv --reuid=65534 --regid=65534 --clear-groups rpm -q falco
busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/falco_2dmodern_2dbpf_2eservice org.freedesktop.systemd1.Unit ActiveState
`
	again = "exec " + agent + " --kernel-release @KERNEL@"
)

// A cost is what one run of a side took; see standin/measure.
type cost struct {
	Wall   float64 `json:"wall_s"`
	CPU    float64 `json:"cpu_s"`
	Memory float64 `json:"memory_bytes"`
	Exit   int     `json:"exit"`
}

// A side is a command whose cost is measured.
type side struct {
	name, command string
	setup         Setup
}

func firstRuns() []side {
	modern, kmod := OL("9.6"), OL("9.6").RHCK()
	return []side{
		{"first run, modern_ebpf: script", script, modern},
		{"first run, modern_ebpf: agent", again, modern},
		{"first run, modern_ebpf: floor", floorModern, modern},
		{"first run, kmod: agent", again + " --driver=kmod", kmod},
		{"first run, kmod: floor", floorKmod, kmod},
	}
}

func secondRuns() []side {
	return []side{
		{"second run: script", script, Setup{}},
		{"second run: agent", again, Setup{}},
		{"second run: agent, --dry-run", again + " --dry-run", Setup{}},
		{"second run: floor", floorAgain, Setup{}},
	}
}

// A ratio is a figure of docs/performance.md: of the medians of two sides.
type ratio struct {
	of, to string
	cpu    bool
	target float64
}

func ratios() []ratio {
	return []ratio{
		{of: "first run, modern_ebpf: agent", to: "first run, modern_ebpf: script", target: 0.25},
		{of: "first run, modern_ebpf: agent", to: "first run, modern_ebpf: floor", target: 1.10},
		{of: "first run, kmod: agent", to: "first run, kmod: floor", target: 1.10},
		{of: "second run: agent", to: "second run: script", target: 0.02},
		{of: "second run: agent", to: "second run: floor", target: 1.3},
		{of: "second run: agent", to: "second run: floor", cpu: true, target: 1.5},
		{of: "second run: agent, --dry-run", to: "second run: floor", target: 1.3},
		{of: "second run: agent, --dry-run", to: "second run: floor", cpu: true, target: 1.5},
	}
}

// value returns the ratio of the medians.
func (r ratio) value(costs map[string][]cost) float64 {
	of := func(c cost) float64 { return c.Wall }
	if r.cpu {
		of = func(c cost) float64 { return c.CPU }
	}
	return spread(costs[r.of], of)[1] / spread(costs[r.to], of)[1]
}

// BenchmarkSides compares the agent with the script and with the floor. It measures
// all of them in turn, since only ratios of one session on one machine say anything.
func BenchmarkSides(b *testing.B) {
	image := largeImage(b)
	costs := map[string][]cost{}
	for i := range pairs {
		sides := firstRuns()
		if i%2 == 1 {
			slices.Reverse(sides)
		}
		for _, s := range sides {
			n := startBench(b, image, s.setup)
			costs[s.name] = append(costs[s.name], n.measure(b, s))
			n.end()
		}
	}
	n := startBench(b, image, OL("9.6"))
	n.measure(b, side{"the first run", again, n.Setup})
	n.measure(b, side{"the run that proves it", again, n.Setup})
	for i := range pairs {
		sides := secondRuns()
		if i%2 == 1 {
			slices.Reverse(sides)
		}
		for _, s := range sides {
			costs[s.name] = append(costs[s.name], n.measure(b, s))
			if strings.HasSuffix(s.name, "script") {
				n.measure(b, side{"mending what the script changed", again, n.Setup})
			}
		}
	}
	show(b, "sides", costs)
	for _, r := range ratios() {
		what := "wall"
		if r.cpu {
			what = "cpu"
		}
		fmt.Printf("%-72s %-4s %.3f, target %.2f\n", r.of+" / "+strings.TrimPrefix(r.to, "second run: "), what, r.value(costs), r.target)
	}
}

// BenchmarkLarge measures a run with nothing to do on a node whose files are far
// larger than usual.
func BenchmarkLarge(b *testing.B) {
	n := startBench(b, os.Getenv(imageEnv), OL("9.6"))
	n.measure(b, side{"the first run", again, n.Setup})
	costs := map[string][]cost{}
	for _, s := range []struct{ name, prepare string }{
		{"as it is", ":"},
		{"100 rules files", `mkdir -p /etc/falco/rules.d; for ((i = 0; i < 100; i++)); do printf -- '- macro: site_%d\n  condition: proc.name = x%d\n' $i $i >/etc/falco/rules.d/90-site-$i.yaml; done`},
		{"500 .repo files", `for ((i = 0; i < 500; i++)); do printf '[site-%d]\nname=x\nbaseurl=http://127.0.0.1:8089/x/%d\nenabled=0\n' $i $i >/etc/yum.repos.d/site-$i.repo; done`},
		{"2.5 MB falco.yaml", `yes '# a comment of a site, which Falco skips and an editor keeps as it is' | head -c 2500000 | sed '$d' >>/etc/falco/falco.yaml`},
		{"5 MB falco.yaml", `yes '# a comment of a site, which Falco skips and an editor keeps as it is' | head -c 2500000 | sed '$d' >>/etc/falco/falco.yaml`},
		{"10 MB falco.yaml", `yes '# a comment of a site, which Falco skips and an editor keeps as it is' | head -c 5000000 | sed '$d' >>/etc/falco/falco.yaml`},
	} {
		n.Must(s.prepare)
		n.Must("systemctl restart falco-modern-bpf")
		n.measure(b, side{"the run that proves it", again, n.Setup})
		for range pairs {
			costs[s.name] = append(costs[s.name], n.measure(b, side{s.name, again, n.Setup}))
		}
	}
	show(b, "large", costs)
}

// startBench starts a node of an image, on which Falco detects at once: the wait for
// the two seconds in which Falco sees nothing is no work of any side.
func startBench(b *testing.B, image string, d Setup) *Node {
	b.Helper()
	b.Setenv(imageEnv, image)
	n := Start(b, d)
	n.Quirk("delay", "0")
	n.Must("sed -i '/_addons\\]/,/^enabled/s/^enabled=1/enabled=0/' /etc/yum.repos.d/*.repo") // a link to BaseOS here
	n.WriteFile("/srv/www/falcosecurity.repo", "[falcosecurity-rpm]\nname=Falco\nbaseurl="+www+"/falco/0.44.1\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey="+www+"/keys/falcosecurity-packages.asc\n")
	return n
}

// measure runs a side and returns what it cost.
func (n *Node) measure(b *testing.B, s side) cost {
	b.Helper()
	n.WriteFile("/tmp/side.sh", strings.ReplaceAll(s.command, "@KERNEL@", n.Setup.Kernel))
	r := n.Sh("/usr/share/node/measure /tmp/cost bash /tmp/side.sh >/tmp/output 2>&1; cat /tmp/cost")
	var c cost
	if err := json.Unmarshal([]byte(r.Stdout), &c); err != nil {
		b.Fatalf("%s: %v: %v", s.name, err, r)
	}
	if c.Exit != 0 && !strings.HasSuffix(s.name, "dry-run") {
		b.Fatalf("%s: exit %d: %s", s.name, c.Exit, n.ReadFile("/tmp/output"))
	}
	return c
}

// largeImage makes an image of the node with large repositories, and returns its name.
func largeImage(b *testing.B) string {
	b.Helper()
	image := os.Getenv(imageEnv)
	if image == "" {
		b.Skipf("%s is not set: make bench runs this", imageEnv)
	}
	grow := fmt.Sprintf(`set -e
cd /srv/www/oracle/ol9
/usr/share/node/metadata -packages %d baseos
/usr/share/node/metadata -packages %d epel
for r in baseos epel; do
  gpg --homedir /srv/gnupg --batch --yes --quiet --local-user oracle@falco.test --armor --detach-sign $r/repodata/repomd.xml
done`, baseosPackages, epelPackages)
	name := label + "-grow"
	_, _ = run(nil, "docker", "rm", "-f", "-v", name)
	docker(b, nil, "run", "--name", name, "--label", label+"="+strconv.Itoa(os.Getpid()), "--network", "none", image, "bash", "-c", grow)
	defer func() { _, _ = run(nil, "docker", "rm", "-f", "-v", name) }()
	large := strings.TrimSpace(docker(b, nil, "commit", "--change", `CMD ["/sbin/init"]`, name))
	b.Cleanup(func() { _, _ = run(nil, "docker", "rmi", "-f", large) })
	return large
}

// show prints medians, with the spread, and writes every cost to a file of that name
// below $FALCO_BOOTSTRAP_BENCH.
func show(b *testing.B, file string, costs map[string][]cost) {
	b.Helper()
	for _, name := range slices.Sorted(maps.Keys(costs)) {
		wall := spread(costs[name], func(c cost) float64 { return c.Wall })
		cpu := spread(costs[name], func(c cost) float64 { return c.CPU })
		memory := spread(costs[name], func(c cost) float64 { return c.Memory / (1 << 20) })
		fmt.Printf("%-34s  %7.3f s (%.3f to %.3f)  cpu %7.3f s  %6.1f MiB\n", name, wall[1], wall[0], wall[2], cpu[1], memory[2])
	}
	if dir := os.Getenv("FALCO_BOOTSTRAP_BENCH"); dir != "" {
		path := filepath.Join(dir, file+".json")
		text, err := json.MarshalIndent(costs, "", " ")
		if err == nil {
			err = os.WriteFile(path, append(text, '\n'), 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// spread returns the least, the median and the most.
func spread(costs []cost, of func(cost) float64) [3]float64 {
	values := make([]float64, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.SortFunc(values, cmp.Compare[float64])
	return [3]float64{values[0], values[len(values)/2], values[len(values)-1]}
}
