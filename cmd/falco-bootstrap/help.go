// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/spelling"
)

// The headings of flags in the help, in their order. Those of settings are
// [settings.Row.Group].
const (
	groupOwn    = "Flags"
	groupRun    = "This run"
	groupOutput = "Output"
)

// groups are the annotation of a command: the headings, besides its own flags, under
// which it has flags that matter to it. A command without it shows all.
const groups = "groups"

// shows gives a command the headings of its help.
func shows(c *cobra.Command, headings ...string) *cobra.Command {
	c.Annotations = map[string]string{groups: strings.Join(headings, ",")}
	return c
}

// headingOf returns the heading of a flag in the help.
func headingOf(f *pflag.Flag) string {
	for _, row := range settings.Rows() {
		if row.Flag == f.Name {
			return row.Group()
		}
	}
	switch f.Name {
	case "output", "verbose", "quiet", "log-format", "log-level", "metrics", "report-file":
		return groupOutput
	case "config", "dry-run", "root", "kernel-release", "timeout":
		return groupRun
	}
	return groupOwn
}

// printUsage prints what the help has below the description: the flags that matter to
// the command, by heading.
func printUsage(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if c.Runnable() {
		fmt.Fprintf(&b, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", c.CommandPath())
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", c.Example)
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(&b, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	flags := byHeading(c)
	headings := append([]string{groupOwn, groupRun, groupOutput}, settings.Groups()...)
	for _, heading := range headings {
		if set := flags[heading]; set != nil {
			fmt.Fprintf(&b, "\n%s:\n%s", heading, set.FlagUsagesWrapped(wide))
		}
	}
	if c.HasParent() {
		fmt.Fprintf(&b, "\n`%s --help` lists the settings, which every command takes.\n", c.Root().Name())
	} else {
		fmt.Fprintf(&b, "\n`%s [command] --help` says more about a command.\n", c.Name())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wide is the width of the help, in columns.
const wide = 80

// byHeading sorts the flags that matter to a command under their headings.
func byHeading(c *cobra.Command) map[string]*pflag.FlagSet {
	shown := strings.Split(c.Annotations[groups], ",")
	sets := map[string]*pflag.FlagSet{}
	add := func(own bool) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			heading := headingOf(f)
			if f.Hidden || !own && c.HasParent() && !slices.Contains(shown, heading) {
				return
			}
			if sets[heading] == nil {
				sets[heading] = pflag.NewFlagSet(heading, pflag.ContinueOnError)
			}
			sets[heading].AddFlag(f)
		}
	}
	c.LocalFlags().VisitAll(add(true))
	c.InheritedFlags().VisitAll(add(false))
	return sets
}

// unknownWord says of a command that does not exist, or of an argument, what was
// probably meant.
func unknownWord(c *cobra.Command, word string) (hint string) {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	if near := spelling.Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean `%s %s`?", c.CommandPath(), near)
	}
	return seeHelp(c)
}

// unknownFlag is unknownWord for a flag.
func unknownFlag(c *cobra.Command, message string) (hint string) {
	_, name, found := strings.Cut(message, "unknown flag: --")
	if !found {
		return seeHelp(c)
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := spelling.Nearest(name, names); near != "" {
		return "did you mean --" + near + "?"
	}
	return seeHelp(c)
}

func seeHelp(c *cobra.Command) string { return "see `" + c.CommandPath() + " --help`" }

// complete offers the values of flags that have a few.
func complete(root *cobra.Command) {
	for name, values := range map[string][]string{
		"output": {"text", "json"}, "log-format": {"console", "json"}, "log-level": {"debug", "info", "warn", "error"},
		"driver": {"auto", "modern_ebpf", "kmod"}, "epel-after": {"disabled", "unchanged"},
	} {
		_ = root.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}
