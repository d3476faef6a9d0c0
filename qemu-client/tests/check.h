/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QEMU_CLIENT_TESTS_CHECK_H_
#define QEMU_CLIENT_TESTS_CHECK_H_

#include <stdio.h>
#include <stdlib.h>

/* Ends the program, and says where, unless the condition holds. */
#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

#endif
