// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the ringside authors
#error "this layer must not include Boost.Asio (docs/architecture.md, The house)"
