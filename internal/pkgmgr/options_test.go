// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"slices"
	"strings"
	"testing"
)

// Every key of [main] is in the table once, with a reason.
func TestOptions(t *testing.T) {
	var keys []string
	for _, o := range options() {
		if o.why == "" || slices.Contains(keys, o.key) {
			t.Errorf("%s has no reason, or is there twice", o.key)
		}
		keys = append(keys, o.key)
	}
	// libdnf/conf/ConfigMain.cpp of libdnf 0.73.
	of := `
		debuglevel errorlevel logfilelevel installroot config_file_path plugins pluginpath pluginconfpath persistdir transformdb recent reset_nice
		system_cachedir cacheonly keepcache logdir log_size log_rotate log_compress varsdir reposdir debug_solver installonlypkgs
		group_package_types optional_metadata_types installonly_limit tsflags assumeyes assumeno check_config_file_age defaultyes diskspacecheck
		localpkg_gpgcheck gpgkey_dns_verification obsoletes showdupesfromrepos exit_on_lock allow_vendor_change metadata_timer_sync
		disable_excludes multilib_policy best install_weak_deps bugtracker_url zchunk color color_list_installed_older color_list_installed_newer
		color_list_installed_reinstall color_list_installed_extra color_list_available_upgrade color_list_available_downgrade
		color_list_available_reinstall color_list_available_install color_update_installed color_update_local color_update_remote
		color_search_match history_record history_record_packages rpmverbosity strict skip_broken autocheck_running_kernel
		clean_requirements_on_remove history_list_view upgrade_group_objects_upgrade destdir comment ignorearch module_platform_id
		module_stream_switch module_obsoletes user_agent countme protect_running_kernel retries cachedir fastestmirror excludepkgs exclude
		includepkgs exclude_from_weak exclude_from_weak_autodetect proxy proxy_username proxy_password proxy_auth_method protected_packages
		username password gpgcheck repo_gpgcheck enabled enablegroups bandwidth minrate ip_resolve throttle timeout max_parallel_downloads
		max_downloads_per_mirror metadata_expire sslcacert sslverify sslclientcert sslclientkey proxy_sslcacert proxy_sslverify
		proxy_sslclientcert proxy_sslclientkey deltarpm deltarpm_percentage skip_if_unavailable sslverifystatus
	`
	for key := range strings.FieldsSeq(of) {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is not in the table", key)
		}
	}
}

// What a tool does not know is not set: it would warn, and yum would fail.
func TestSetopts(t *testing.T) {
	for tool, unknown := range map[packageTool][]string{
		"/usr/bin/yum": {"strict", "best", "install_weak_deps", "ignorearch", "allow_vendor_change", "cacheonly", "gpgkey_dns_verification"},
		"/usr/bin/dnf": {"skip_missing_names_on_install"},
	} {
		argv := strings.Join(tool.setopts(), " ")
		for _, key := range unknown {
			if strings.Contains(argv, "--setopt="+key+"=") {
				t.Errorf("%s gets %s, which it does not know: %s", tool.name(), key, argv)
			}
		}
	}
}
