// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// imageEnv names the node's image; without it no node is started.
	imageEnv = "FALCO_BOOTSTRAP_NODE_IMAGE"
	// binaryEnv names the agent's binary, which is copied into every node.
	binaryEnv = "FALCO_BOOTSTRAP_BINARY"
	// label marks the containers of the tests, so that leftovers can be swept.
	label = "falco-bootstrap.test"
	// agent is the path of the agent's binary in a node.
	agent = "/usr/bin/falco-bootstrap"
)

// A Node is a running container. Its methods end the test if the container itself
// does not answer; the caller judges the result of a command in it.
type Node struct {
	Setup Setup
	t     testing.TB
	id    string

	mu  sync.Mutex // guards pid
	pid string     // of its init, once it is known
}

// A Result is the result of a command in a node.
type Result struct {
	Exit           int
	Stdout, Stderr string
	Took           time.Duration
}

// String formats a result for a failure message.
func (r Result) String() string {
	return fmt.Sprintf("exit %d after %v\n--- stdout\n%s--- stderr\n%s", r.Exit, r.Took.Round(time.Millisecond), r.Stdout, r.Stderr)
}

// Start boots a node, sets it up and copies the agent into it. The test is skipped
// if there is no image. The container is removed when the test ends.
func Start(t testing.TB, d Setup) *Node {
	t.Helper()
	image := os.Getenv(imageEnv)
	if image == "" {
		t.Skipf("%s is not set: node cases are run by make test", imageEnv)
	}
	n := &Node{Setup: d, t: t, id: runNode(t, image)}
	t.Cleanup(n.end)
	n.waitBooted()
	n.setUp()
	if os.Getenv(binaryEnv) != "" {
		n.copyAgent(agent)
	}
	return n
}

// copyAgent puts the agent into the node, at path.
func (n *Node) copyAgent(path string) {
	n.t.Helper()
	binary, err := os.ReadFile(os.Getenv(binaryEnv))
	if err != nil {
		n.t.Fatal(err)
	}
	if r := n.pipe(binary, "bash", "-c", "cat >"+path+" && chmod 755 "+path); r.Exit != 0 {
		n.t.Fatalf("copying the agent into the node: %v", r)
	}
}

// runNode starts a container from an image with the options that a node needs and
// these flags of docker run. It returns the container's ID.
func runNode(t testing.TB, image string, flags ...string) string {
	t.Helper()
	command := append([]string{
		"run", "-d", "--label", label + "=" + strconv.Itoa(os.Getpid()), "--hostname", "node", "--network", "none",
		"--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--cgroupns=private", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec",
	}, flags...)
	return strings.TrimSpace(docker(t, nil, append(command, image)...))
}

// end removes the container. With -v a failed test first shows what its journal
// says about Falco.
func (n *Node) end() {
	if n.t.Failed() && testing.Verbose() {
		n.t.Logf("journal of the node:\n%s", n.Sh("journalctl --no-pager -n 40 -u 'falco*' 2>&1").Stdout)
	}
	// Under load docker may fail to remove it; sweep does so later.
	if r, err := run(nil, "docker", "rm", "-f", "-v", n.id); err != nil || r.Exit != 0 {
		n.t.Logf("removing the node: %v, %v", r, err)
	}
}

// In returns the node for use in a subtest.
func (n *Node) In(t *testing.T) {
	outer := n.t
	n.t = t
	t.Cleanup(func() { n.t = outer })
}

// A subtest is one of several tests on one node, which it leaves usable for the next.
type subtest struct {
	name string
	run  func(*testing.T, *Node)
}

// runSubtests runs tests on the node one after the other.
func (n *Node) runSubtests(t *testing.T, turns []subtest) {
	for _, turn := range turns {
		t.Run(turn.name, func(t *testing.T) {
			n.In(t)
			turn.run(t, n)
		})
	}
}

// waitBooted waits until systemd has nothing left to start.
func (n *Node) waitBooted() {
	n.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for time.Now().Before(deadline) {
		if r := n.Exec("systemctl", "is-system-running", "--wait"); strings.TrimSpace(r.Stdout) == "running" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	n.t.Fatalf("node did not boot: %v", n.Exec("systemctl", "--failed", "--no-pager"))
}

// Exec runs a program in the node.
func (n *Node) Exec(args ...string) Result { return n.pipe(nil, args...) }

// Sh runs a line of bash in the node.
func (n *Node) Sh(line string) Result { return n.Exec("bash", "-c", line) }

// Must runs a line of bash that must succeed and returns its output.
func (n *Node) Must(line string) string {
	n.t.Helper()
	r := n.Sh(line)
	if r.Exit != 0 {
		n.t.Fatalf("%s: %v", line, r)
	}
	return r.Stdout
}

// Run runs the agent. If the node's setup names a kernel, the agent gets it as a
// flag, since no package is for the kernel of the build machine.
func (n *Node) Run(args ...string) Result { return n.Exec(n.agentCommand(args)...) }

func (n *Node) agentCommand(args []string) []string {
	command := append([]string{agent}, args...)
	for _, arg := range args {
		if arg == "version" || strings.HasPrefix(arg, "--kernel-release") {
			return command
		}
	}
	if n.Setup.Kernel != "" {
		command = append(command, "--kernel-release", n.Setup.Kernel)
	}
	return command
}

// pipe runs a program in the node with stdin as its input.
func (n *Node) pipe(stdin []byte, args ...string) Result {
	n.t.Helper()
	var r Result
	var err error
	if way, ok := n.entrance(); ok {
		r, err = runBy(way.start, stdin, args)
	} else {
		r, err = run(stdin, append([]string{"docker", "exec", "-i", n.id}, args...)...)
	}
	if err != nil {
		n.t.Fatalf("running %s in the node: %v", strings.Join(args, " "), err)
	}
	return r
}

// docker runs a docker command that must succeed and returns its output.
func docker(t testing.TB, stdin []byte, args ...string) string {
	t.Helper()
	r, err := run(stdin, append([]string{"docker"}, args...)...)
	if err != nil || r.Exit != 0 {
		t.Fatalf("docker %s: %v %v", strings.Join(args, " "), err, r)
	}
	return r.Stdout
}
