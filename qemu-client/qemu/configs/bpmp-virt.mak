# SPDX-License-Identifier: GPL-2.0-or-later
# What the emulators that build.sh makes of a distribution's source have: the machine "virt" with our devices, and what
# the tests plug in beside it. A third of what there is, and quicker to build.
CONFIG_ARM_VIRT=y
CONFIG_NVIDIA_BPMP=y
CONFIG_EDU=y
CONFIG_E1000_PCI=y
# Selected by the boards in later versions.
CONFIG_SEMIHOSTING=y
CONFIG_ARM_COMPATIBLE_SEMIHOSTING=y
# Needed by target/arm, which selects it itself in later versions.
CONFIG_ARM_V7M=y
