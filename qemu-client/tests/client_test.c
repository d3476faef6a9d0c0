/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library from C, as a VMM uses it: every function, and every error that a caller can make.
 *
 *   client_test SOCKET
 *
 * SOCKET is that of a VM that may vote for clock 155 and power domain 29. Prints nothing, and exits
 * with 0, when all is as the header says.
 */
#include "bpmp_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"

enum { kPing = 0, kClk = 22, kPg = 66, kWaitMs = 20000 };
enum { kIsEnabled = 6, kEnable = 7, kDisable = 8 };
enum { kClock = 155, kNotOurs = 200, kDomain = 29 };

static void put32(unsigned char *bytes, uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[i] = (unsigned char)(value >> (8 * i));
}

static int32_t clk(bpmp_client *client, uint32_t command, uint32_t id) {
  unsigned char tx[4];
  int32_t error = 1;
  put32(tx, command << 24 | id);
  CHECK(bpmp_client_transfer(client, kClk, tx, sizeof(tx), NULL, 0, &error) == 0);
  return error;
}

static int is_enabled(bpmp_client *client) {
  unsigned char tx[4];
  unsigned char rx[4] = {9, 9, 9, 9};
  int32_t error = 1;
  put32(tx, (uint32_t)kIsEnabled << 24 | kClock);
  CHECK(bpmp_client_transfer(client, kClk, tx, sizeof(tx), rx, sizeof(rx), &error) == 0);
  CHECK(error == 0 && rx[1] == 0 && rx[2] == 0 && rx[3] == 0);
  return rx[0];
}

/* --- What is waited for ---------------------------------------------------------------------- */

struct outcome {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int times;
  int status;
  int32_t error;
  size_t size;
  unsigned char rx[BPMP_CLIENT_MAX_PAYLOAD];
};

static void prepare(struct outcome *outcome) {
  memset(outcome, 0, sizeof(*outcome));
  pthread_mutex_init(&outcome->mutex, NULL);
  pthread_cond_init(&outcome->changed, NULL);
}

static void done(void *opaque, int status, int32_t error, const void *rx, size_t size) {
  struct outcome *outcome = opaque;
  pthread_mutex_lock(&outcome->mutex);
  ++outcome->times;
  outcome->status = status;
  outcome->error = error;
  outcome->size = size;
  if (size > 0) memcpy(outcome->rx, rx, size);
  pthread_cond_signal(&outcome->changed);
  pthread_mutex_unlock(&outcome->mutex);
}

static void await(struct outcome *outcome) {
  pthread_mutex_lock(&outcome->mutex);
  while (outcome->times == 0) pthread_cond_wait(&outcome->changed, &outcome->mutex);
  pthread_mutex_unlock(&outcome->mutex);
}

/* --- The configuration ----------------------------------------------------------------------- */

static int open_fails(const struct bpmp_client_config *config, uint32_t wait_ms) {
  bpmp_client *client = (bpmp_client *)1;
  char error[512] = "";
  int status = bpmp_client_open(config, wait_ms, &client, error, sizeof(error));
  CHECK(status != 0);
  CHECK(client == NULL);
  CHECK(error[0] != '\0' && strchr(error, '\n') == NULL);
  return status;
}

static void test_configuration(const char *broker) {
  struct bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
  CHECK(config.struct_size == sizeof(config) && config.fd == -1);
  CHECK(open_fails(&config, 0) == -EINVAL);
  CHECK(open_fails(NULL, 0) == -EINVAL);
  CHECK(bpmp_client_open(&config, 0, NULL, NULL, 0) == -EINVAL);

  const char *bad[] = {"", "unix:", "tcp:1.2.3.4:5", "/run/some.sock", "dns:///localhost:1"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
    config.broker = bad[i];
    CHECK(open_fails(&config, 0) == -EINVAL);
  }
  char path[400] = "unix:/";
  memset(path + 6, 'x', sizeof(path) - 7);
  path[sizeof(path) - 1] = '\0';
  config.broker = path;
  CHECK(open_fails(&config, 0) == -EINVAL);

  config.broker = broker;
  config.fd = 0;
  CHECK(open_fails(&config, 0) == -EINVAL);
  config.fd = -1;
  config.timeout_ms = BPMP_CLIENT_MAX_TIMEOUT_MS + 1;
  CHECK(open_fails(&config, 0) == -EINVAL);
  config.timeout_ms = 0;
  config.tls_creds_dir = "/tmp";
  CHECK(open_fails(&config, 0) == -EINVAL);
  config.broker = "dns:///localhost:1";
  config.tls_creds_dir = "/nonexistent";
  CHECK(open_fails(&config, 0) == -ENOENT);
  config.tls_creds_dir = NULL;
  config.broker = broker;
  config.flags = BPMP_CLIENT_READ_AHEAD << 1;
  CHECK(open_fails(&config, 0) == -EINVAL);
  config.flags = 0;
  config.struct_size = 8;
  CHECK(open_fails(&config, 0) == -EINVAL);
}

/* A program that was built with a newer header. */
static void test_versions(const char *broker) {
  struct {
    struct bpmp_client_config config;
    void *more;
  } newer = {BPMP_CLIENT_CONFIG_INIT, NULL};
  bpmp_client *client = NULL;
  newer.config.struct_size = sizeof(newer);
  newer.config.broker = broker;
  CHECK(bpmp_client_open(&newer.config, 0, &client, NULL, 0) == 0);
  bpmp_client_close(client);
  newer.more = &newer;
  CHECK(open_fails(&newer.config, 0) == -EINVAL);
}

static void test_nobody_there(void) {
  struct bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
  config.broker = "unix:/nonexistent/bpmp.sock";
  CHECK(open_fails(&config, 1) == -ENOENT);

  /* The text is cut. */
  bpmp_client *client = NULL;
  char error[5] = "....";
  CHECK(bpmp_client_open(&config, 1, &client, error, sizeof(error)) == -ENOENT);
  CHECK(strlen(error) == 4);

  /* Without waiting, that is for the requests to find out. */
  config.timeout_ms = 30;
  CHECK(bpmp_client_open(&config, 0, &client, NULL, 0) == 0);
  int32_t bpmp_error = 1;
  unsigned char rx[4] = {1, 2, 3, 4};
  CHECK(bpmp_client_transfer(client, kPing, rx, 4, rx, 4, &bpmp_error) == -ENOTCONN);
  CHECK(bpmp_error == 0 && rx[0] == 0 && rx[3] == 0);
  CHECK(bpmp_client_reset(client) == -ENOTCONN);
  bpmp_client_close(client);
}

static void test_descriptor(const char *broker) {
  struct bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
  struct sockaddr_un address;
  int pair[2];
  bpmp_client *client = NULL;
  CHECK(pipe(pair) == 0);
  config.fd = pair[0];
  CHECK(open_fails(&config, 0) == -EINVAL);
  CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
  CHECK(open_fails(&config, 0) == -EINVAL);

  /* One that nobody is behind stays the caller's. */
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(close(pair[1]) == 0);
  config.fd = pair[0];
  CHECK(open_fails(&config, kWaitMs) == -EACCES);
  CHECK(close(pair[0]) == 0);

  memset(&address, 0, sizeof(address));
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, broker + strlen("unix:"), sizeof(address.sun_path) - 1);
  config.fd = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(connect(config.fd, (struct sockaddr *)&address, sizeof(address)) == 0);
  CHECK(bpmp_client_open(&config, kWaitMs, &client, NULL, 0) == 0);
  CHECK(clk(client, kEnable, kClock) == 0);
  CHECK(clk(client, kDisable, kClock) == 0);
  bpmp_client_close(client);
}

/* --- Requests -------------------------------------------------------------------------------- */

static void test_arguments(bpmp_client *client) {
  unsigned char bytes[BPMP_CLIENT_MAX_PAYLOAD + 1] = {0};
  int32_t error = 7;
  CHECK(bpmp_client_transfer(NULL, kPing, bytes, 4, NULL, 0, &error) == -EINVAL);
  CHECK(error == 0);
  CHECK(bpmp_client_transfer(client, kPing, bytes, 4, NULL, 0, NULL) == -EINVAL);
  CHECK(bpmp_client_transfer(client, kPing, NULL, 4, NULL, 0, &error) == -EINVAL);
  CHECK(bpmp_client_transfer(client, kPing, bytes, 4, NULL, 4, &error) == -EINVAL);
  CHECK(bpmp_client_transfer(client, kPing, bytes, sizeof(bytes), NULL, 0, &error) == -EINVAL);
  CHECK(bpmp_client_transfer(client, kPing, bytes, 4, bytes, sizeof(bytes), &error) == -EINVAL);
  CHECK(bpmp_client_submit(NULL, kPing, bytes, 4, 4, 0, done, NULL) == -EINVAL);
  CHECK(bpmp_client_submit(client, kPing, bytes, 4, 4, 0, NULL, NULL) == -EINVAL);
  CHECK(bpmp_client_submit(client, kPing, NULL, 4, 4, 0, done, NULL) == -EINVAL);
  CHECK(bpmp_client_submit(client, kPing, bytes, 4, sizeof(bytes), 0, done, NULL) == -EINVAL);
  CHECK(bpmp_client_reset(NULL) == -EINVAL);
  CHECK(bpmp_client_reset_async(NULL, done, NULL) == -EINVAL);
  bpmp_client_close(NULL);
}

static void test_transfer(bpmp_client *client) {
  unsigned char tx[12];
  unsigned char rx[BPMP_CLIENT_MAX_PAYLOAD];
  int32_t error = 1;
  /* The answer is twice the challenge; what it doesn't fill is zero. */
  put32(tx, 21);
  memset(rx, 0xff, sizeof(rx));
  CHECK(bpmp_client_transfer(client, kPing, tx, 4, rx, sizeof(rx), &error) == 0);
  CHECK(error == 0 && rx[0] == 42 && rx[4] == 0 && rx[sizeof(rx) - 1] == 0);

  CHECK(is_enabled(client) == 0);
  CHECK(clk(client, kEnable, kClock) == 0);
  CHECK(is_enabled(client) == 1);
  CHECK(clk(client, kEnable, kNotOurs) == -13);
  put32(tx, 1);
  put32(tx + 4, kDomain);
  put32(tx + 8, 1);
  CHECK(bpmp_client_transfer(client, kPg, tx, 12, NULL, 0, &error) == 0 && error == 0);

  /* What the firmware refuses has no bytes. */
  put32(tx, (uint32_t)kEnable << 24 | kNotOurs);
  memset(rx, 0xff, sizeof(rx));
  CHECK(bpmp_client_transfer(client, kClk, tx, 4, rx, 8, &error) == 0);
  CHECK(error == -13 && rx[0] == 0 && rx[7] == 0 && rx[8] == 0xff);
}

static void test_submit(bpmp_client *client) {
  struct outcome outcomes[BPMP_CLIENT_MAX_OUTSTANDING];
  unsigned char tx[4];
  for (unsigned i = 0; i < BPMP_CLIENT_MAX_OUTSTANDING; ++i) {
    prepare(&outcomes[i]);
    put32(tx, i);
    CHECK(bpmp_client_submit(client, kPing, tx, 4, 6, 5000, done, &outcomes[i]) == 0);
  }
  for (unsigned i = 0; i < BPMP_CLIENT_MAX_OUTSTANDING; ++i) {
    await(&outcomes[i]);
    CHECK(outcomes[i].status == 0 && outcomes[i].error == 0);
    CHECK(outcomes[i].size == 6 && outcomes[i].rx[0] == 2 * i && outcomes[i].rx[5] == 0);
    CHECK(outcomes[i].times == 1);
  }
}

static void test_reset(bpmp_client *client) {
  struct outcome outcome;
  CHECK(is_enabled(client) == 1);
  CHECK(bpmp_client_reset(client) == 0);
  CHECK(is_enabled(client) == 0);
  CHECK(clk(client, kEnable, kClock) == 0);
  prepare(&outcome);
  CHECK(bpmp_client_reset_async(client, done, &outcome) == 0);
  CHECK(is_enabled(client) == 0); /* waits for the release */
  await(&outcome);
  CHECK(outcome.status == 0 && outcome.size == 0);
  CHECK(bpmp_client_reset_async(client, NULL, NULL) == 0);
}

static void test_texts(void) {
  CHECK(strcmp(bpmp_client_strerror(-ETIMEDOUT), "no answer in time") == 0);
  CHECK(strncmp(bpmp_client_bpmp_strerror(-13), "EACCES: ", 8) == 0);
  CHECK(strncmp(bpmp_client_bpmp_strerror(-23), "ETIMEDOUT: ", 11) == 0);
  for (int number = -200; number <= 200; ++number) {
    CHECK(bpmp_client_strerror(number)[0] != '\0');
    CHECK(bpmp_client_bpmp_strerror(number)[0] != '\0');
  }
  CHECK(bpmp_client_bpmp_strerror(INT32_MIN)[0] != '\0');
}

struct log {
  int messages;
};
static void log_message(void *opaque, enum bpmp_client_log_level level, const char *message) {
  struct log *log = opaque;
  CHECK(level == BPMP_CLIENT_LOG_INFO);
  CHECK(strchr(message, '\n') == NULL);
  ++log->messages;
}

int main(int argc, char **argv) {
  char broker[200];
  struct bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
  bpmp_client *client = NULL;
  struct log log = {0};
  char error[200] = "untouched";
  if (argc != 2) return 2;
  snprintf(broker, sizeof(broker), "unix:%s", argv[1]);
  test_configuration(broker);
  test_versions(broker);
  test_nobody_there();
  test_descriptor(broker);
  test_texts();

  config.broker = broker;
  config.client_name = "client_test";
  config.timeout_ms = BPMP_CLIENT_MAX_TIMEOUT_MS;
  config.log = log_message;
  config.log_opaque = &log;
  CHECK(bpmp_client_open(&config, kWaitMs, &client, error, sizeof(error)) == 0);
  memset(broker, 0, sizeof(broker)); /* was copied */
  test_arguments(client);
  test_transfer(client);
  test_submit(client);
  test_reset(client);
  bpmp_client_close(client);
  CHECK(log.messages == 1);
  return 0;
}
