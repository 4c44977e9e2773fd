// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command killat runs a program and disturbs it at a moment that is the same each
// time: when it has written a number of lines to standard error, or as it enters the
// nth system call by which it changes the disk. It kills the program without warning,
// or makes the call fail. It exits with 137 if it killed the program, or with the
// program's own status. Unless told to, it does not kill children of the program.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// killed is the exit status of a program that died of SIGKILL.
const killed = 137

// An order says when to disturb the program, and how.
type order struct {
	lines, calls    int
	all, group, on  bool
	seen, told, err string
	errno           unix.Errno
}

func main() {
	var o order
	flag.IntVar(&o.lines, "lines", 0, "act when the program has written this many lines to standard error")
	flag.IntVar(&o.calls, "calls", 0, "act just before the program changes the disk for the Nth time")
	flag.BoolVar(&o.all, "all", false, "count writes, new files, modes and owners too")
	flag.BoolVar(&o.group, "group", false, "kill the program's descendants with it")
	flag.StringVar(&o.seen, "seen", "", "act at the first change whose words this `file` does not have, and add them")
	flag.StringVar(&o.told, "told", "", "write the words for the change to this `file`")
	flag.StringVar(&o.err, "errno", "", "make the change fail with this `error`, ENOSPC or EIO, instead of killing the program")
	flag.BoolVar(&o.on, "on", false, "with -errno: make all later changes fail too")
	flag.Parse()
	status, err := run(o, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "killat:", err)
	}
	os.Exit(status)
}

func run(o order, program []string) (int, error) {
	o.errno = map[string]unix.Errno{"ENOSPC": unix.ENOSPC, "EIO": unix.EIO, "EROFS": unix.EROFS}[o.err]
	if len(program) == 0 || (o.lines > 0) == (o.calls > 0 || o.seen != "") || (o.err != "") != (o.errno != 0) {
		return 64, errors.New("usage: killat -lines N|-calls N|-seen FILE [-all] [-group] [-errno ENOSPC|EIO|EROFS [-on]] [-told FILE] PROGRAM [ARGUMENT...]")
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	if o.lines == 0 {
		return (&tracer{order: o}).trace(cmd)
	}
	return killAtLine(cmd, o.lines)
}

func killAtLine(cmd *exec.Cmd, lines int) (int, error) {
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	scan := bufio.NewScanner(stderr)
	for n := 1; scan.Scan(); n++ {
		fmt.Fprintln(os.Stderr, scan.Text())
		if n == lines {
			_ = cmd.Process.Kill() // it may have ended already
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() < 0 {
		return killed, nil
	}
	return cmd.ProcessState.ExitCode(), scan.Err()
}
