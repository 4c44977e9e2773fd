// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command killat runs a program and kills it, without warning, at a moment that is
// the same each time: when it has written a number of lines to standard error, or as
// it enters the nth system call by which it changes the disk. It exits with 137, or
// with the program's own status if that ends before. It does not kill children of
// the program.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
)

// killed is the exit status of a program that died of SIGKILL.
const killed = 137

func main() {
	lines := flag.Int("lines", 0, "kill the program when it has written this many lines to standard error")
	calls := flag.Int("calls", 0, "kill the program just before it changes the disk for the Nth time")
	flag.Parse()
	status, err := run(*lines, *calls, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "killat:", err)
	}
	os.Exit(status)
}

func run(lines, calls int, program []string) (int, error) {
	if len(program) == 0 || (lines > 0) == (calls > 0) {
		return 64, errors.New("usage: killat -lines N|-calls N PROGRAM [ARGUMENT...]")
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
	if calls > 0 {
		return killAtCall(cmd, calls)
	}
	return killAtLine(cmd, lines)
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
