#!/bin/bash
# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Joins an OKE managed node to its cluster, as one part of multi-part user data.

# >>> join
# More arguments of kubelet, for example --register-with-taints=dedicated=db:NoSchedule.
fb_kubelet_extra_args=''
# <<< join

# DO NOT MODIFY: the default logic, as Oracle documents it in "Using Custom Cloud-init
# Initialization Scripts to Set Up Managed Nodes", with its examples that pass arguments
# to kubelet and grow the root file system before kubelet starts, which reads the
# disk's size then.
curl --fail -H "Authorization: Bearer Oracle" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh
timeout --kill-after=5 30 /usr/libexec/oci-growfs -y || echo 'falco-bootstrap: growing the root file system failed' >&2
bash /var/run/oke-init.sh ${fb_kubelet_extra_args:+--kubelet-extra-args "$fb_kubelet_extra_args"}
