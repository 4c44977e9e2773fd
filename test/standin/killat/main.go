// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command killat runs a program and kills it, without warning, when it has
// written a number of lines to standard error. It prints what the program did
// until then and ends with 137, or with the program's own status where it was
// over before that line. It kills no children of the program.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

func main() {
	status, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "killat:", err)
	}
	os.Exit(status)
}

// run is killat LINES PROGRAM [ARGUMENT...].
func run(args []string) (int, error) {
	if len(args) < 2 {
		return 64, errors.New("usage: killat LINES PROGRAM [ARGUMENT...]")
	}
	lines, err := strconv.Atoi(args[0])
	if err != nil {
		return 64, err
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Stdout = os.Stdout
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
			_ = cmd.Process.Kill() // it may be over already
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() < 0 {
		return 137, nil
	}
	return cmd.ProcessState.ExitCode(), scan.Err()
}
