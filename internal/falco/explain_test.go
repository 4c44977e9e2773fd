// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name    string
		host    Host
		request Request
		want    []string
		absent  []string
	}{
		{
			"the default on OL8", hostOf(8, 10, uek7),
			Request{},
			[]string{
				"host      Oracle Linux Server 8.10 with UEK R7 (5.15)\n", "glibc     2.28\n", "driver    modern_ebpf\n",
				"falco     Falco 0.34.0 or later, but not 0.40.0, 0.41.3\n", "unit      falco-modern-bpf.service\n", "packages  falco\n",
				"drop-in   LD_PRELOAD=", "libresolv (needs drop-in: glibc < 2.34, 0.42.0 ≤ Falco < 0.45.0)", "Source: https://github.com/falcosecurity/plugins/issues/1500",
			},
			[]string{"kmod-"},
		},
		{
			"kmod on OL8", hostOf(8, 10, rhck8),
			Request{Kmod, "0.32.2"},
			[]string{"falco     Falco 0.32.2\n", "unit      falco.service\n", "packages  falco, dkms, kernel-devel-" + rhck8 + "\n", "kmod-secure-boot"},
			[]string{"drop-in", "libresolv"},
		},
		{
			"kmod on UEK, with its compiler", hostOf(8, 10, uek7),
			Request{Kmod, "0.37.1"},
			[]string{"packages  falco, dkms, kernel-uek-devel-" + uek7 + ", gcc-toolset-11\n", "kmod-uek-0.37 (warn"},
			nil,
		},
		{
			"OL7", hostOf(7, 9, rhck7),
			Request{},
			[]string{"falco     Falco 0.32.0 to 0.39.2\n", "unit      falco-kmod.service\n"},
			[]string{"drop-in  "},
		},
		{
			"refused", hostOf(8, 6, uek6),
			Request{},
			[]string{"refused   Oracle Linux Server 8.6 with UEK R6 (5.4) cannot run Falco", "hint      boot UEK R7", "uek-r6 (refuse"},
			[]string{"driver  ", "unit  "},
		},
	} {
		got := Explain(test.host, test.request).String()
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: Explain = \n%s\nwant %q in it", test.name, got, want)
			}
		}
		for _, not := range test.absent {
			if strings.Contains(got, not) {
				t.Errorf("%s: Explain = \n%s\nwant no %q in it", test.name, got, not)
			}
		}
	}
}
