// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
)

// An option is a key of dnf.conf(5) or yum.conf(5), which every transaction
// inherits. A value is set on the command line, whatever the file says; without
// one the file's is respected on purpose.
type option struct {
	key string
	// dnf and yum are the values for the tool; keep leaves the key to the file.
	dnf, yum string
	// why is the reason for either.
	why string
}

// keep says that a key is left to the file, or that the tool does not know it.
const keep = "\x00"

// set is an option with one value for both tools.
func set(key, value, why string) option { return option{key, value, value, why} }

// left are options that are respected for one reason.
func left(why string, keys ...string) []option {
	var all []option
	for _, key := range keys {
		all = append(all, option{key, keep, keep, why})
	}
	return all
}

// options is the table of what becomes of the keys of [main], with the names of
// libdnf 0.63 to 0.73 (libdnf/conf/ConfigMain.cpp) and yum 3.4 (yum/config.py).
// Each that is set is known to all of them, or dnf would warn.
func options() []option {
	return slices.Concat([]option{
		set("assumeno", "0", "it answers no to the transaction, though -y says yes"),
		{"strict", "1", keep, "0 goes on without a package that is asked for"},
		{"best", "1", keep, "0 takes an older Falco silently where the newest lacks a dependency"},
		set("skip_broken", "0", "1 goes on without a package that cannot be installed"),
		{"skip_missing_names_on_install", keep, "0", "yum goes on without a package that it does not know"},
		set("tsflags", "", "test and justdb install nothing, noscripts no units, nocontexts no labels, nocrypto checks no signature"),
		set("localpkg_gpgcheck", "1", "the signature of a package file is not checked by default"),
		{"install_weak_deps", "0", keep, "only what is needed is installed"},
		set("clean_requirements_on_remove", "0", "others may use by now what came with a package"),
		set("installonly_limit", "0", "the headers of another kernel are not removed"),
		{"installonlypkgs", "kernel-devel,kernel-uek-devel,installonlypkg(kernel)", keep, "without them the headers of one kernel replace another's; dnf adds them to the file's"},
		set("multilib_policy", "best", "all installs packages of another architecture too"),
		{"ignorearch", "0", keep, "1 installs packages of another architecture"},
		{"allow_vendor_change", "1", keep, "who may make Falco's package is what the pinned keys say"},
		set("diskspacecheck", "1", "0 finds out that there is no room when half is installed"),
		{"installroot", "/", keep, "another root is not this node"},
		{"cacheonly", "0", keep, "nothing is downloaded with it"},
		{"gpgkey_dns_verification", "0", keep, "keys are pinned by fingerprint, and Falco's is not in DNS"},
		set("color", "never", "its escape sequences would be in errors and reports"),
		set("debuglevel", "2", "at 0 it does not say why it fails"),
		{"errorlevel", "3", "2", "at 0 it does not say why it fails"},
		set("rpmverbosity", "info", "debug hides the reason in thousands of lines"),
		set("timeout", "20", "a server that does not answer takes a minute, not the default's five"),
		set("retries", "3", "0 means for ever"),
	},
		left("the site says which packages this node may have: the error names it", "exclude", "excludepkgs", "includepkgs", "disable_excludes", "protected_packages", "protect_running_kernel", "exclude_from_weak", "exclude_from_weak_autodetect"),
		left("plugins may bring repositories (ULN, OS Management) and locks of versions", "plugins", "pluginpath"),
		left("a directory that is not there makes plugins fail: it is then the usual one", "pluginconfpath"),
		left("the site says how its servers are reached; the key is fetched the same way", "proxy", "proxy_username", "proxy_password", "proxy_auth_method", "proxy_sslcacert", "proxy_sslverify", "proxy_sslclientcert", "proxy_sslclientkey",
			"sslcacert", "sslverify", "sslverifystatus", "sslclientcert", "sslclientkey", "username", "password", "user_agent", "countme", "ip_resolve"),
		left("the site says how fast and how often", "bandwidth", "throttle", "minrate", "max_parallel_downloads", "max_downloads_per_mirror", "fastestmirror", "metadata_timer_sync", "deltarpm", "deltarpm_percentage", "zchunk"),
		left("it is set for each repository of the transaction", "gpgcheck", "skip_if_unavailable", "enabled", "metadata_expire"),
		left("a repository's own section sets it; for others the site decides", "repo_gpgcheck"),
		left("it says where things are, and is honoured", "reposdir", "varsdir", "config_file_path", "cachedir", "system_cachedir", "persistdir", "logdir", "destdir", "transformdb"),
		left("it changes neither what is installed nor what is said about it", "keepcache", "logfilelevel", "log_size", "log_rotate", "log_compress", "recent", "reset_nice", "debug_solver", "assumeyes", "defaultyes", "check_config_file_age",
			"autocheck_running_kernel", "showdupesfromrepos", "bugtracker_url", "color_list_installed_older", "color_list_installed_newer", "color_list_installed_reinstall", "color_list_installed_extra", "color_list_available_upgrade",
			"color_list_available_downgrade", "color_list_available_reinstall", "color_list_available_install", "color_update_installed", "color_update_local", "color_update_remote", "color_search_match",
			"history_record", "history_record_packages", "history_list_view", "comment", "optional_metadata_types"),
		left("a failure that it causes at once is tried again", "exit_on_lock"),
		left("groups and modules are not used", "group_package_types", "enablegroups", "upgrade_group_objects_upgrade", "module_platform_id", "module_stream_switch", "module_obsoletes"),
		left("neither Falco nor what it needs is obsoleted by another package", "obsoletes"),
	)
}

// setopts returns the options of the table on the tool's command line.
func (t packageTool) setopts() []string {
	var argv []string
	for _, o := range options() {
		value := o.dnf
		if t.isYum() {
			value = o.yum
		}
		if value != keep {
			argv = append(argv, "--setopt="+o.key+"="+value)
		}
	}
	return argv
}

// pluginConf names the usual directory of the plugins' configuration if those of
// pluginconfpath= do not exist.
func (m *Manager) pluginConf(t packageTool) []string {
	conf, err := dnfconf.Read(m.Tree)
	if err != nil {
		return nil
	}
	dirs, ok := conf.Main.List("pluginconfpath")
	if !ok || m.anyExists(dirs) {
		return nil
	}
	if t.isYum() {
		return []string{"--setopt=pluginconfpath=/etc/yum/pluginconf.d"}
	}
	return []string{"--setopt=pluginconfpath=/etc/dnf/plugins"}
}
