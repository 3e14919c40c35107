// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#error "this layer must not include SystemC (docs/architecture.md, The house)"
