// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// app is one run of the command.
type app struct {
	env
	flags   *settings.Flags
	options options
	log     *zap.Logger
	// live is the terminal's last line, if standard error is a terminal.
	live *live
	code node.Code
	// paper is standard output as it is: all else that is written there is plain.
	paper    *outlet
	deadline time.Time
	// concluded means that the run's report has been written.
	concluded bool
}

// options are the flags that are not settings of the node.
type options struct {
	config     string
	dryRun     bool
	output     string
	kernel     string
	root       string
	timeout    time.Duration
	logFormat  string
	logLevel   string
	metrics    string
	reportFile string
	verbose    bool
	quiet      bool
	version    bool
}

const about = `falco-bootstrap sets up Falco on this Oracle Linux node: the signing key, the
repository, the package, the configuration and the unit. Then it proves that an
alert reaches the log. A later run mends what has drifted and changes nothing
else. With --dry-run it shows what it would change.

Every flag can also be set in the environment: --falco-version is
FALCO_BOOTSTRAP_FALCO_VERSION. A flag wins over the environment, and the
environment over the settings file.

Exit status:
`

// longHelp returns what the command does, and its exit statuses.
func longHelp() string {
	var b strings.Builder
	b.WriteString(about)
	for _, row := range node.Codes() {
		fmt.Fprintf(&b, "  %-3d %s\n", row.Code, row.Meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// command builds the command line.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "falco-bootstrap",
		Short: "Set up Falco on this Oracle Linux node, and keep it as declared",
		Long:  longHelp(),
		Example: `  sudo falco-bootstrap --dry-run --verbose
  sudo falco-bootstrap
  sudo falco-bootstrap --falco-version 0.44.1 --set json_output=true`,
		Args: noArguments, SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: a.prepare,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.options.version {
				return a.printVersion()
			}
			return a.converge(cmd, args)
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if text, _, found := strings.Cut(err.Error(), " in -"); found { // it quotes the whole word, value and all
			err = errors.New(text)
		}
		return usage(err, unknownFlag(c, err.Error()))
	})
	root.SetUsageFunc(func(c *cobra.Command) error { return printUsage(a.stdout, c) })
	a.addOptions(root)
	complete(root)
	root.AddCommand(
		shows(a.verifyCommand(), groupRun, groupOutput),
		shows(a.explainCommand(), groupRun, groupOutput, settings.GroupFalco),
		shows(a.configCommand(), groupRun, groupOutput),
		shows(a.reportCommand(), groupOutput),
		shows(a.bundleCommand(), groupRun, groupOutput, settings.GroupFalco, settings.GroupPackages),
		shows(a.debugCommand(), groupRun, groupOutput),
		shows(a.removeCommand(), groupRun, groupOutput),
		shows(a.versionCommand()),
	)
	return root
}

func (a *app) addOptions(root *cobra.Command) {
	o, global, local := &a.options, root.PersistentFlags(), root.Flags()
	global.StringVar(&o.config, "config", "", "settings file (default "+settings.Path+", if it exists)")
	global.StringVar(&o.output, "output", "text", "format of the report on standard output: text or json; the command report has html too")
	global.StringVar(&o.kernel, "kernel-release", "", "assume this kernel instead of the running one")
	global.StringVar(&o.root, "root", "/", "act on the tree in this directory, such as an image that is being built")
	global.DurationVar(&o.timeout, "timeout", 15*time.Minute, "time limit of the whole run")
	global.StringVar(&o.logFormat, "log-format", "console", "format of the log on standard error: console or json")
	global.StringVar(&o.logLevel, "log-level", "info", "lowest level to log: debug, info, warn or error")
	global.BoolVarP(&o.verbose, "verbose", "v", false, "include reasons and durations in the report")
	global.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing where there is nothing to change and nothing to say")
	local.BoolVar(&o.dryRun, "dry-run", false, "show what a run would change, and change nothing; exit with 2 if it would change anything")
	local.StringVar(&o.metrics, "metrics", "", "write metrics to this file, for node_exporter's textfile collector; -FILE: only where its directory exists")
	local.StringVar(&o.reportFile, "report-file", "", "append the report to this file, as one line of JSON")
	// Not cobra's own, whose template would make the binary a quarter larger.
	local.BoolVar(&o.version, "version", false, "print what the version command prints")
	a.flags = settings.AddFlags(global)
}

// prepare sets flags from the environment, checks those that every command has,
// and makes the logger.
func (a *app) prepare(cmd *cobra.Command, _ []string) error {
	hint := "see `" + cmd.CommandPath() + " --help`"
	unknown, err := settings.Environment(cmd.Flags(), a.environ)
	if err != nil {
		return usage(err, hint)
	}
	if a.options.timeout <= 0 {
		return usage(fmt.Errorf("--timeout: %v leaves no time", a.options.timeout), "give it a time such as 15m")
	}
	a.deadline = time.Now().Add(a.options.timeout)
	if info, err := a.stat(a.options.root); err != nil || !info.IsDir() {
		return usage(fmt.Errorf("--root: %s is not a directory", a.options.root), "give it the directory that holds the tree's etc and usr")
	}
	switch o := a.options.output; {
	case o == "text", o == "json", o == "html" && cmd.Name() == "report":
	case o == "html":
		return usage(errors.New("--output: only the command report makes html; use text or json"), hint)
	default:
		return usage(fmt.Errorf("--output: unknown format %q; use text or json", o), hint)
	}
	level := a.options.logLevel
	if a.options.quiet && !cmd.Flags().Changed("log-level") {
		level = "warn"
	}
	w := a.stderr
	if a.live != nil && a.options.logFormat == "console" && level != "debug" && !a.options.quiet {
		w = a.live
	} else {
		a.live = nil
	}
	if a.log, err = newLogger(w, a.options.logFormat, level, a.errJournal); err != nil {
		return usage(err, hint)
	}
	for _, name := range unknown {
		if cmd.Root().Flags().Lookup(settings.FlagName(name)) != nil {
			continue // another command's
		}
		a.log.Warn("this environment variable matches no flag", zap.String("variable", name))
	}
	return nil
}

// load reads the settings file and lays the environment and the flags over it.
func (a *app) load() (settings.Settings, error) {
	s, err := a.loadFile()
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return s, &node.Error{Code: node.CodeFailed, Err: err, Hint: "run it as root, or let this user read the settings: without them there is nothing to compare the node with"}
	case errors.As(err, &path):
		return s, usage(err, "--config takes a file; without it "+settings.Path+" is read, if it exists")
	case err != nil:
		return s, usage(err, "docs/settings.md describes the keys")
	}
	if s, err = a.flags.Over(s); err == nil {
		err = s.Check()
	}
	var key *settings.KeyError
	switch {
	case errors.As(err, &key):
		return s, usage(err, key.Hint)
	case err == nil && a.flags.Changed("falco-rpm") && a.options.root == "/":
		if _, err := a.stat(s.Falco.RPM); errors.Is(err, fs.ErrNotExist) {
			return s, usage(fmt.Errorf("--falco-rpm: there is no %s", s.Falco.RPM), "give it a package, or the directory that holds it")
		}
	}
	return s, err
}

// settingsFile is the settings file that is read.
func (a *app) settingsFile() string { return cmp.Or(a.options.config, settings.Path) }

// loadFile reads the settings file. A file that --config names must exist.
func (a *app) loadFile() (settings.Settings, error) {
	name := a.settingsFile()
	src, err := a.readFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.options.config == "":
		return settings.Default(), nil
	case err != nil:
		return settings.Settings{}, fmt.Errorf("reading the settings: %w", err)
	}
	return settings.Parse(name, src)
}

// look reads the settings and opens a view of the node, which the caller closes.
func (a *app) look(ctx context.Context) (settings.Settings, view, error) {
	s, err := a.load()
	if err != nil {
		return s, nil, err
	}
	v, err := a.view(ctx, a.hostOptions())
	return s, v, err
}

// hostOptions say which node to act on.
func (a *app) hostOptions() host.Options {
	return host.Options{Root: a.options.root, Kernel: a.options.kernel, Progress: a.progress}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, the commit and its date, and the version of Go", Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return a.printVersion() },
	}
}

func (a *app) printVersion() error {
	_, err := fmt.Fprint(a.stdout, versionText())
	return err
}
