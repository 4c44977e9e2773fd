// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
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
	code    node.Code
	// concluded says that the run's report is written.
	concluded bool
}

// options are the flags that are no settings of the node.
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
}

const longHelp = `falco-bootstrap makes this Oracle Linux node one that Falco watches: the
pinned key, the repository, the package, the configuration, the unit, and a
proof that an alert arrives. Run again it mends what has drifted, and changes
nothing if nothing has. With --dry-run it only tells what it would do.

Every flag can also be set in the environment: --falco-version is
FALCO_BOOTSTRAP_FALCO_VERSION. Flags win over the environment, and that over
the settings file.

Exit status:
  0   the node is as declared, or has been made so
  1   failed, for a reason not below; or, without root, not all could be seen
  2   --dry-run: changes are pending
  3   this host cannot run what was asked
  4   trust: key, fingerprint or signature
  5   packages: repository, network, dependencies, lock
  6   Falco would refuse the configuration; the old one is still in place
  7   Falco is not running, or not detecting
  8   another run holds the lock
  64  the command line or settings file is wrong`

// command builds the command line.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "falco-bootstrap",
		Short: "Make this Oracle Linux node one that Falco watches, and keep it so",
		Long:  longHelp,
		Args:  noArguments, SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: a.prepare,
		RunE:              a.converge,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(err, "see `"+c.CommandPath()+" --help`")
	})
	a.addOptions(root)
	root.AddCommand(a.verifyCommand(), a.explainCommand(), a.configCommand(), a.reportCommand(), a.bundleCommand(), a.versionCommand())
	return root
}

func (a *app) addOptions(root *cobra.Command) {
	o, global, local := &a.options, root.PersistentFlags(), root.Flags()
	global.StringVar(&o.config, "config", "", "settings file (default "+settings.Path+" if it is there)")
	global.StringVar(&o.output, "output", "text", "form of the report on standard output: text or json")
	global.StringVar(&o.kernel, "kernel-release", "", "speak of this kernel instead of the running one")
	global.StringVar(&o.root, "root", "/", "act on the tree in this folder, such as an image being baked")
	global.DurationVar(&o.timeout, "timeout", 15*time.Minute, "bound on the whole run")
	global.StringVar(&o.logFormat, "log-format", "console", "form of the log on standard error: console or json")
	global.StringVar(&o.logLevel, "log-level", "info", "least level that is logged: debug, info, warn or error")
	global.BoolVarP(&o.verbose, "verbose", "v", false, "show why and how long in the report")
	local.BoolVar(&o.dryRun, "dry-run", false, "show what would change, change nothing; exit 2 if anything would")
	local.StringVar(&o.metrics, "metrics", "", "write the result to this file, for node_exporter's textfile collector")
	local.StringVar(&o.reportFile, "report-file", "", "append the report to this file, one line of JSON")
	a.flags = settings.AddFlags(global)
}

// prepare reads the environment into the flags, checks what all commands
// share, and makes the logger.
func (a *app) prepare(cmd *cobra.Command, _ []string) error {
	hint := "see `" + cmd.CommandPath() + " --help`"
	unknown, err := settings.Environment(cmd.Flags(), a.environ)
	if err != nil {
		return usage(err, hint)
	}
	if o := a.options.output; o != "text" && o != "json" {
		return usage(fmt.Errorf("--output %q is neither text nor json", o), hint)
	}
	if a.log, err = newLogger(a.stderr, a.options.logFormat, a.options.logLevel); err != nil {
		return usage(err, hint)
	}
	for _, name := range unknown {
		if cmd.Root().Flags().Lookup(settings.FlagName(name)) != nil {
			continue // another command's
		}
		a.log.Warn("this environment variable belongs to no flag", zap.String("variable", name))
	}
	return nil
}

// load reads the settings: file, then environment and flags over it.
func (a *app) load() (settings.Settings, error) {
	s, err := a.loadFile()
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission):
		return s, &node.Error{Code: node.CodeFailed, Err: err, Hint: "run it as root, or let this user read the settings: nothing can be compared without them"}
	case errors.As(err, &path):
		return s, usage(err, "--config takes a file; without it "+settings.Path+" is read if it is there")
	case err != nil:
		return s, usage(err, "the keys are described in docs/settings.md")
	}
	if s, err = a.flags.Over(s); err == nil {
		err = s.Check()
	}
	var key *settings.KeyError
	if errors.As(err, &key) {
		return s, usage(err, key.Hint)
	}
	return s, err
}

// loadFile reads the settings file; the usual one may be missing, one that was
// named may not.
func (a *app) loadFile() (settings.Settings, error) {
	name := a.options.config
	if name == "" {
		name = settings.Path
	}
	src, err := a.readFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a.options.config == "":
		return settings.Default(), nil
	case err != nil:
		return settings.Settings{}, fmt.Errorf("reading the settings: %w", err)
	}
	return settings.Parse(name, src)
}

// hostOptions say which node is meant.
func (a *app) hostOptions() host.Options {
	return host.Options{Root: a.options.root, Kernel: a.options.kernel, Progress: a.progress}
}

// versionCommand prints the version.
func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			t := tool()
			_, err := fmt.Fprintf(a.stdout, "%s %s %s\n", t.Name, t.Version, t.Commit)
			return err
		},
	}
}
