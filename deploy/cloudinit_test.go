// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oracleLines are the default logic as Oracle documents it, with the place where its
// example grows the file system between them. The complete script must contain them
// unchanged, and bound what is between them.
const oracleLines = `curl --fail -H "Authorization: Bearer Oracle" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh
timeout --kill-after=5 30 /usr/libexec/oci-growfs -y || echo 'falco-bootstrap: growing the root file system failed' >&2
bash /var/run/oke-init.sh ${fb_kubelet_extra_args:+--kubelet-extra-args "$fb_kubelet_extra_args"}
`

func TestUserDataIsCurrent(t *testing.T) {
	if status, out := command(t, nil, "bash", "cloud-init/assemble.sh", "--check"); status != 0 {
		t.Errorf("assemble.sh --check = %d, want 0; run deploy/cloud-init/assemble.sh\n%s", status, out)
	}
}

func TestUserDataFits(t *testing.T) {
	for _, name := range []string{"oke-falco.sh", "60-falco-bootstrap.sh"} {
		script := read(t, filepath.Join("cloud-init", name))
		if got, limit := len(script), 16<<10; got >= limit {
			t.Errorf("%s has %d bytes, want under %d", name, got, limit)
		}
		if !strings.HasPrefix(script, "#!/bin/bash\n") {
			t.Errorf("%s does not begin with #!/bin/bash, so cloud-init does not run it", name)
		}
	}
}

func TestOracleLinesComeFirst(t *testing.T) {
	script := read(t, "cloud-init/oke-falco.sh")
	before, after, ok := strings.Cut(script, oracleLines)
	if !ok {
		t.Fatal("oke-falco.sh lacks Oracle's lines as documented")
	}
	for line := range strings.Lines(before) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" && line != "fb_kubelet_extra_args=''\n" {
			t.Errorf("oke-falco.sh runs %q before the node has joined", line)
		}
	}
	part := strings.TrimPrefix(read(t, "cloud-init/60-falco-bootstrap.sh"), "#!/bin/bash\n")
	if !strings.HasSuffix(after, part) {
		t.Error("oke-falco.sh does not end with the part")
	}
	if strings.Contains(part, "oke_init_script") {
		t.Error("the part joins the node a second time")
	}
}

func TestShellcheck(t *testing.T) {
	shellcheck := tool(t, "shellcheck")
	scripts, err := filepath.Glob("*/*.sh")
	if err != nil || len(scripts) < 6 {
		t.Fatalf("Glob = %v, %v, want the scripts", scripts, err)
	}
	if status, out := command(t, nil, shellcheck, scripts...); status != 0 {
		t.Errorf("shellcheck = %d, want 0\n%s", status, out)
	}
}

// Terraform takes the comments out of the scripts. What is left is shell and writes the
// same files.
func TestScriptsWithoutComments(t *testing.T) {
	tool(t, "systemctl")
	expression := regexp.MustCompile(`comments *= "/(.*)/"`).FindStringSubmatch(read(t, "terraform/modules/falco-user-data/main.tf"))
	if expression == nil {
		t.Fatal("main.tf takes out no comments")
	}
	comments := regexp.MustCompile(strings.ReplaceAll(expression[1], `\n`, "\n"))
	trees := map[string]map[string]os.FileMode{}
	for _, name := range []string{"50-oke.sh", "60-falco-bootstrap.sh", "oke-falco.sh"} {
		text := read(t, filepath.Join("cloud-init", name))
		bare := filepath.Join(t.TempDir(), name)
		write(t, bare, comments.ReplaceAllString(text, ""), 0o755)
		if status, out := command(t, nil, "bash", "-n", bare); status != 0 || !strings.HasPrefix(read(t, bare), "#!/bin/bash\n") {
			t.Errorf("bash -n %s = %d without comments\n%s", name, status, out)
		}
		if name != "60-falco-bootstrap.sh" {
			continue
		}
		for _, script := range []string{bare, filepath.Join("cloud-init", name)} {
			root := t.TempDir()
			if status, out := command(t, nil, "bash", script, "--root", root); status != 0 || !strings.Contains(out, "set up; follow it") {
				t.Errorf("%s = %d\n%s", script, status, out)
			}
			trees[script] = modes(t, root)
		}
		if diff := cmp.Diff(trees[bare], trees[filepath.Join("cloud-init", name)]); diff != "" {
			t.Errorf("the tree (-without +with comments):\n%s", diff)
		}
	}
}

// A failure is for the log when cloud-init runs the part, and for the caller when the
// DaemonSet, OCI Run Command or bake.sh does.
func TestPartIsStrictWhenAsked(t *testing.T) {
	tool(t, "systemctl")
	filled := strings.NewReplacer("fb_url_x86_64=''", "fb_url_x86_64='https://example.com/a'", "fb_size_x86_64=''", "fb_size_x86_64=1", "fb_sha256_x86_64=''", "fb_sha256_x86_64=00",
		"fb_url_aarch64=''", "fb_url_aarch64='https://example.com/a'", "fb_size_aarch64=''", "fb_size_aarch64=1", "fb_sha256_aarch64=''", "fb_sha256_aarch64=00")
	tests := []struct {
		name   string
		pinned bool
		// blocked is a file where the script wants a directory.
		blocked string
		strict  int
		says    string
	}{
		{name: "well", pinned: true, strict: 0, says: "set up; follow it"},
		{name: "no pins", strict: 64, says: "are not pinned"},
		{name: "units cannot be written", pinned: true, blocked: "etc/systemd/system", strict: 1, says: "error: not set up"},
		{name: "settings cannot be written", pinned: true, blocked: "etc/sysconfig", strict: 1, says: "error: not set up"},
	}
	for _, test := range tests {
		for _, args := range [][]string{nil, {"--strict"}} {
			t.Run(strings.Join(append(args, test.name), " "), func(t *testing.T) {
				root, script := t.TempDir(), filepath.Join(t.TempDir(), "part.sh")
				text := read(t, "cloud-init/60-falco-bootstrap.sh")
				if test.pinned {
					text = filled.Replace(text)
				}
				write(t, script, text, 0o755)
				if test.blocked != "" {
					write(t, filepath.Join(root, test.blocked), "", 0o644)
				}
				want := 0
				if args != nil {
					want = test.strict
				}
				status, out := command(t, nil, "bash", append([]string{script, "--root", root}, args...)...)
				if status != want || !strings.Contains(out, test.says) {
					t.Errorf("the part = %d, want %d and %q\n%s", status, want, test.says, out)
				}
			})
		}
	}
}

// A script that was truncated on its way to the node must do nothing, wherever it ends.
func TestPartCutShortDoesNothing(t *testing.T) {
	script := read(t, "cloud-init/60-falco-bootstrap.sh")
	last := strings.LastIndex(script, "\nfb_main")
	if last < 0 {
		t.Fatal("the script has no call of fb_main")
	}
	root := filepath.Join(t.TempDir(), "root")
	cut := filepath.Join(t.TempDir(), "cut.sh")
	for end := len("#!/bin/bash\n"); end <= last+len("\nfb_mai"); end += 61 {
		write(t, cut, script[:end], 0o755)
		_, out := command(t, nil, "bash", cut, "--root", root)
		if _, err := os.Stat(root); err == nil {
			t.Fatalf("cut after %d bytes, it wrote into the node\n%s", end, out)
		}
	}
}

func TestPartWritesATree(t *testing.T) {
	tool(t, "systemctl")
	root := t.TempDir()
	script := filepath.Join(t.TempDir(), "part.sh")
	settings := strings.Join([]string{
		"fb_url_x86_64='https://example.com/a'", "fb_size_x86_64='1'", "fb_sha256_x86_64='00'",
		"fb_url_aarch64=''", "fb_size_aarch64=''", "fb_sha256_aarch64=''",
		"fb_proto='https'", "fb_mode='audit'", "fb_timezone=''", `fb_settings='it'\''s: "$(reboot)"` + "\n'", "",
	}, "\n")
	write(t, script, pinned(t, read(t, "cloud-init/60-falco-bootstrap.sh"), settings), 0o755)
	stamp := filepath.Join(root, "var/lib/falco-bootstrap/firstboot.done")
	for run := range 2 {
		if status, out := command(t, nil, "bash", script, "--root", root); status != 0 || strings.Contains(out, "error") {
			t.Fatalf("run %d = %d, want 0\n%s", run, status, out)
		}
		if run == 0 {
			write(t, stamp, "", 0o600)
		}
	}
	if _, err := os.Stat(stamp); err != nil {
		t.Error("a second run with nothing new makes the first-boot unit run again")
	}
	want := map[string]os.FileMode{
		"etc/falco-bootstrap.yaml":                                                     0o600,
		"etc/sysconfig/falco-bootstrap":                                                0o644,
		"etc/systemd/system/falco-bootstrap-firstboot.service":                         0o644,
		"etc/systemd/system/falco-bootstrap.service":                                   0o644,
		"etc/systemd/system/falco-bootstrap.timer":                                     0o644,
		"usr/local/libexec/falco-bootstrap/firstboot":                                  0o700,
		"usr/local/libexec/falco-bootstrap/release":                                    0o600,
		"etc/systemd/system/timers.target.wants/falco-bootstrap.timer":                 0o777,
		"etc/systemd/system/multi-user.target.wants/falco-bootstrap-firstboot.service": 0o777,
		"var/lib/falco-bootstrap/firstboot.done":                                       0o600,
	}
	if diff := cmp.Diff(want, modes(t, root)); diff != "" {
		t.Errorf("the tree (-want +got):\n%s", diff)
	}
	if got, want := read(t, filepath.Join(root, "etc/falco-bootstrap.yaml")), "it's: \"$(reboot)\"\n"; got != want {
		t.Errorf("falco-bootstrap.yaml = %q, want %q", got, want)
	}
	if got := read(t, filepath.Join(root, "etc/sysconfig/falco-bootstrap")); !strings.Contains(got, "\nFALCO_BOOTSTRAP_DRY_RUN=true\n") {
		t.Errorf("sysconfig = %q, want an audit", got)
	}
}

// modes returns the file mode of every file below root.
func modes(t *testing.T, root string) map[string]os.FileMode {
	t.Helper()
	found := map[string]os.FileMode{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		found[name] = info.Mode().Perm()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
