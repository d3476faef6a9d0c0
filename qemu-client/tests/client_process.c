/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a whole process can show of the library:
 *
 *   client_process signals SOCKET   all threads but the caller's block all signals
 *   client_process sandbox SOCKET   it works under the system call filter that libvirt gives QEMU
 *   client_process exit SOCKET      the process may end while it is in use
 *
 * Prints nothing, and exits with 0, when it is so.
 */
#include "bpmp_client.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { kWaitMs = 60000 };

static bpmp_client *open_client(const char *socket) {
  char broker[200];
  char error[200] = "";
  struct bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
  bpmp_client *client = NULL;
  snprintf(broker, sizeof(broker), "unix:%s", socket);
  config.broker = broker;
  config.timeout_ms = BPMP_CLIENT_MAX_TIMEOUT_MS;
  if (bpmp_client_open(&config, kWaitMs, &client, error, sizeof(error)) != 0) {
    fprintf(stderr, "open: %s\n", error);
    exit(1);
  }
  return client;
}

static void ping(bpmp_client *client) {
  unsigned char bytes[4] = {21, 0, 0, 0};
  int32_t error = 1;
  CHECK(bpmp_client_transfer(client, 0, bytes, 4, bytes, 4, &error) == 0);
  CHECK(error == 0 && bytes[0] == 42);
}

/* --- Signals --------------------------------------------------------------------------------- */

/* The line of /proc/self/task/TID/status that says which signals a thread blocks; 0: it is gone. */
static int blocked(const char *tid, unsigned long long *mask) {
  char path[300];
  char line[300];
  int found = 0;
  snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
  FILE *status = fopen(path, "r");
  if (status == NULL) return 0;
  while (fgets(line, sizeof(line), status) != NULL) {
    if (sscanf(line, "SigBlk: %llx", mask) == 1) found = 1;
  }
  fclose(status);
  return found;
}

static int check_masks(void) {
  /* SIGKILL and SIGSTOP can't be blocked, the C library's own two aren't. */
  const unsigned long long all = ~(1ULL << 8 | 1ULL << 18 | 1ULL << 31 | 1ULL << 32);
  char self[20];
  int threads = 0;
  snprintf(self, sizeof(self), "%d", (int)getpid());
  DIR *tasks = opendir("/proc/self/task");
  CHECK(tasks != NULL);
  for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
    unsigned long long mask = 0;
    if (task->d_name[0] == '.' || !blocked(task->d_name, &mask)) continue;
    if (strcmp(task->d_name, self) == 0) {
      CHECK(mask == 0); /* the caller's own is as it was */
    } else {
      CHECK((mask & all) == all); /* while it starts, the C library blocks its own two as well */
      ++threads;
    }
  }
  closedir(tasks);
  return threads;
}

static void test_signals(const char *socket) {
  /* What sanitizers start is none of the library's. */
  const int before = check_masks();
  bpmp_client *client = open_client(socket);
  CHECK(check_masks() > before);
  for (int i = 0; i < 1000; ++i) {
    ping(client);
    if (i % 100 == 0) check_masks();
  }
  CHECK(bpmp_client_reset(client) == 0);
  CHECK(check_masks() > before);
  bpmp_client_close(client);
  check_masks();
}

/* --- The sandbox ----------------------------------------------------------------------------- */

/* As QEMU's own lists for -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,
 * resourcecontrol=deny (qemu-seccomp.c). */
static const int kKilled[] = {
    SCMP_SYS(reboot), SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(syslog), SCMP_SYS(mount),
    SCMP_SYS(umount), SCMP_SYS(kexec_load), SCMP_SYS(afs_syscall), SCMP_SYS(getpmsg),
    SCMP_SYS(putpmsg), SCMP_SYS(security), SCMP_SYS(tuxcall), SCMP_SYS(vserver),
    SCMP_SYS(_sysctl), SCMP_SYS(create_module), SCMP_SYS(get_kernel_syms),
    SCMP_SYS(query_module), SCMP_SYS(sysfs), SCMP_SYS(uselib), SCMP_SYS(ustat), SCMP_SYS(setuid),
    SCMP_SYS(setgid), SCMP_SYS(setpgid), SCMP_SYS(setsid), SCMP_SYS(setreuid),
    SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execve), SCMP_SYS(execveat),
    SCMP_SYS(setpriority), SCMP_SYS(sched_setparam), SCMP_SYS(sched_setscheduler),
    SCMP_SYS(sched_setaffinity)};

static void enter_sandbox(void) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  CHECK(filter != NULL);
  for (size_t i = 0; i < sizeof(kKilled) / sizeof(kKilled[0]); ++i) {
    CHECK(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, kKilled[i], 0) == 0);
  }
  /* Threads, and no processes. The newer call hides its flags from the filter, so that the C
   * library is made to take the older one. */
  CHECK(seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0);
  CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0);
  CHECK(seccomp_load(filter) == 0);
  seccomp_release(filter);
}

static void test_sandbox(const char *socket) {
  enter_sandbox();
  bpmp_client *client = open_client(socket);
  for (int i = 0; i < 1000; ++i) ping(client);
  CHECK(bpmp_client_reset(client) == 0);
  bpmp_client_close(client);
  client = open_client(socket);
  ping(client);
  bpmp_client_close(client);
}

/* --- Exit ------------------------------------------------------------------------------------ */

static void *ask_for_ever(void *client) {
  for (;;) {
    unsigned char bytes[4] = {1, 0, 0, 0};
    int32_t error = 0;
    bpmp_client_transfer(client, 0, bytes, 4, bytes, 4, &error);
  }
  return NULL;
}

static void test_exit(const char *socket) {
  bpmp_client *client = open_client(socket);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, ask_for_ever, client) == 0);
  for (int i = 0; i < 10; ++i) ping(client);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  if (strcmp(argv[1], "signals") == 0) {
    test_signals(argv[2]);
  } else if (strcmp(argv[1], "sandbox") == 0) {
    test_sandbox(argv[2]);
  } else if (strcmp(argv[1], "exit") == 0) {
    test_exit(argv[2]);
  } else {
    return 2;
  }
  return 0;
}
