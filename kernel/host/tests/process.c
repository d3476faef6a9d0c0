// SPDX-License-Identifier: GPL-2.0-only
/* A process that is killed in the middle of a call. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_device_test.h"

/* Whether a process waits in the kernel, where only a signal that ends it is heard. */
static bool waits(pid_t process)
{
	char path[32], state = '?';
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	stat = fopen(path, "r");
	if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (stat)
		fclose(stat);

	return state == 'D';
}

void killed_in(void (*call)(void), const char *what)
{
	pid_t child = fork();
	int status;

	if (!child) {
		call();
		_exit(0);
	}

	while (!waits(child) && !waitpid(child, &status, WNOHANG))
		usleep(1000);
	kill(child, SIGKILL);
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status), what);
}
