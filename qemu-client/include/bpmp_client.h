/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpmp-client: a VM's side of the BPMP broker, for QEMU and any other VMM.
 *
 * A client speaks for one VM over one Session stream (proto/bpmp/v1/guest.proto). It takes the
 * guest's MRQ requests, sends them pipelined, and hands back what the broker answered. Who the VM is
 * follows from the socket (or the client certificate), never from anything said here.
 *
 * Errors come in two kinds that never mix, as in Linux's tegra_bpmp_transfer():
 *   - transport status: 0, or a negative errno of the *host's* Linux: the request did not get an
 *     answer. What the broker did with it is unknown unless the table below says otherwise.
 *   - BPMP error: 0, or a negative BPMP error number, the firmware's own numbers and not errno
 *     (ETIMEDOUT is 23, ENOTSUP 134). Only meaningful when the transport status is 0.
 *
 * Transport status:
 *   -ETIMEDOUT     no answer within the request's deadline; or refused at once, because the one
 *                  before timed out and the broker has not been heard of since (nothing was sent)
 *   -ENOTCONN      the connection is lost, and was not back within the deadline; or refused at once,
 *                  because it was not back within that of the one before, and still is not; or it
 *                  cannot come back, because it came as a descriptor (nothing was sent)
 *   -ECONNRESET    the connection was lost after the request was sent
 *   -EACCES        the broker refuses this peer (another process has the VM's session, wrong user
 *                  or certificate, the VM is being drained); it is asked again later
 *   -EINVAL        a NULL pointer where none may be, or a size above BPMP_CLIENT_MAX_PAYLOAD
 *   -EBUSY         BPMP_CLIENT_MAX_OUTSTANDING requests are waiting already
 *   -ESHUTDOWN     bpmp_client_close() was called
 *   -ENOMEM        out of memory
 *
 * Life of a connection. A lost connection is made again, after a growing pause of at most
 * `backoff_max_ms`, for as long as the client lives. The new stream names the session that it
 * continues and the votes that the guest holds, so that a broker which was restarted knows them
 * again. Requests made meanwhile wait for the connection within their deadline; those that had been
 * sent end with -ECONNRESET. A request whose answer is late makes the client ask the broker for a
 * sign of life; after a time-out without one, requests fail at once until there is one, so that a
 * dead broker costs a guest one deadline and not one for each request. A second client of the same
 * process for the same VM takes the session away from the first, for good (-EACCES).
 *
 * Threads. Every function may be called from any thread, at any time between bpmp_client_open() and
 * bpmp_client_close(); none calls back into the caller but through a callback of this header. All signals
 * are blocked in the library's threads, gRPC's among them, and in a caller's while it works for the
 * library, which one that waits may do. Callbacks run in one of the library's threads, in that of a
 * caller who submits, waits or closes, and without a lock of the library: they may submit, and must
 * not block, close, or take a lock that a caller holds meanwhile.
 *
 * The library writes nothing to standard output or standard error, installs no signal handlers,
 * starts no processes, and works under the sandbox that libvirt puts around QEMU. To write nothing,
 * the first bpmp_client_open() turns gRPC's log off, in the whole process, unless the environment
 * has GRPC_VERBOSITY. It also turns off, in the whole process, Abseil's checking of the order of
 * locks, which costs each request time. The library stays loaded once it is: gRPC can't be unloaded.
 * A process that forks must not use a client in the child.
 */
#ifndef BPMP_CLIENT_H
#define BPMP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Payload bytes of a request or an answer at most: the 128 bytes of a BPMP frame less its header. */
#define BPMP_CLIENT_MAX_PAYLOAD 120u

/* Requests that may wait for their answers at once; the broker's limit for broken clients is 64. */
#define BPMP_CLIENT_MAX_OUTSTANDING 32u

/* Limits of bpmp_client_config.timeout_ms. A guest whose vCPU waits longer than about 20 s reports
 * a soft lockup. */
#define BPMP_CLIENT_DEFAULT_TIMEOUT_MS 1000u
#define BPMP_CLIENT_MAX_TIMEOUT_MS 10000u

/*
 * A flag, for a guest that asks by bpmp_client_submit(): while it looks at one clock after the other, as
 * a kernel does that boots, the library asks for the next one before the guest does, so that its answer
 * is there when the guest asks. Only with three commands of MRQ CLK that change nothing: GET_ALL_INFO,
 * GET_RATE and IS_ENABLED; and only after the first question about a clock since a start or a
 * bpmp_client_reset(). Such an answer was asked for at most 10 ms before the guest asked, and after
 * everything that the guest had done was done. To the broker what is asked ahead is a request of this
 * VM's as any other; a few are for nothing.
 */
#define BPMP_CLIENT_READ_AHEAD 1u

/* A client. Opaque; made by bpmp_client_open(), ended by bpmp_client_close(). */
typedef struct bpmp_client bpmp_client;

/* How important a message of the library is. */
enum bpmp_client_log_level {
    BPMP_CLIENT_LOG_INFO = 0,    /* connected, resumed */
    BPMP_CLIENT_LOG_WARNING = 1, /* connection lost, refused, broker silent */
};

/*
 * How to reach the broker. Start from BPMP_CLIENT_CONFIG_INIT; a field that is 0 or NULL has its
 * default. The structure only ever grows at its end: `struct_size` tells an older program from a
 * newer one, and what an older program doesn't have has its default. The strings are copied.
 */
struct bpmp_client_config {
    /* sizeof(struct bpmp_client_config) of the caller. */
    uint32_t struct_size;
    /* How long a request may take, in milliseconds; default BPMP_CLIENT_DEFAULT_TIMEOUT_MS, at most
     * BPMP_CLIENT_MAX_TIMEOUT_MS. */
    uint32_t timeout_ms;
    /* Where the broker is: "unix:/run/bpmp-broker/vms/NAME.sock", or "dns:///host:port" with
     * `tls_creds_dir`. NULL when `fd` is used. */
    const char *broker;
    /* A connected Unix socket, from a launcher; -1 for none. Belongs to the client once
     * bpmp_client_open() has succeeded, and to the caller when it failed. It can't be connected
     * again: when it is lost, every request fails with -ENOTCONN. */
    int fd;
    /* The longest pause between two attempts to connect, in milliseconds; default 1000. */
    uint32_t backoff_max_ms;
    /* A directory with ca-cert.pem, client-cert.pem and client-key.pem (QEMU's names for them);
     * required with "dns:", refused with "unix:" and `fd`. */
    const char *tls_creds_dir;
    /* The name that the broker's certificate must have; default: the host's in `broker`. */
    const char *tls_server_name;
    /* What the broker's listings call this program, for example "qemu 10.0.2"; at most 64 bytes
     * are used. */
    const char *client_name;
    /* Told what happens to the connection, in a whole sentence without newline; NULL: nobody is.
     * Under the rules for callbacks above. */
    void (*log)(void *opaque, enum bpmp_client_log_level level, const char *message);
    void *log_opaque;
    /*
     * Told what the firmware says unasked, for the inbound channel of the guest's mailbox: MRQ and
     * payload, `size` at most BPMP_CLIENT_MAX_PAYLOAD, valid during the call. NULL: nobody is. No
     * answer is wanted.
     *
     * Under the rules for callbacks above, so it may run in a vCPU's thread that waits for an answer,
     * and before bpmp_client_open() has returned; never after bpmp_client_close() has, and not twice
     * at a time. What is said while there is no connection, or faster than the connection takes it,
     * is lost: a hint to look again, not a count.
     */
    void (*notify)(void *opaque, uint32_t mrq, const void *data, size_t size);
    void *notify_opaque;
    /* BPMP_CLIENT_READ_AHEAD or 0. */
    uint64_t flags;
};

/* By position, which C and every C++ take without a warning. */
#define BPMP_CLIENT_CONFIG_INIT                                                                \
    {                                                                                          \
        sizeof(struct bpmp_client_config), 0, NULL, -1, 0, NULL, NULL, NULL, NULL, NULL, NULL, \
            NULL, 0                                                                            \
    }

/* Exported, however the library's own sources are compiled. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/*
 * Makes a client.
 *
 * With `wait_ms` > 0 the broker must take the session within that time, in which a socket that isn't
 * there yet is waited for and a refusal is final; otherwise nothing is left behind. With `wait_ms` 0
 * this only checks the configuration, and connects in the background.
 *
 * Returns 0 and the client in `*client`, or a negative errno: a transport status of the table above,
 * -ENOENT (no such socket, or no such credentials), -ECONNREFUSED (nobody listens there),
 * -EHOSTUNREACH, or -EINVAL (the configuration). Then `*client` is NULL and `error`, if not NULL, has
 * a sentence for the user, cut to `error_size` bytes with its terminating zero.
 */
int bpmp_client_open(const struct bpmp_client_config *config, uint32_t wait_ms,
                     bpmp_client **client, char *error, size_t error_size);

/*
 * Sends one request and waits for its answer, at most the client's time-out.
 *
 *   mrq         the MRQ code, for example 22 for CLK
 *   tx, tx_size the request's payload, at most BPMP_CLIENT_MAX_PAYLOAD bytes; NULL when tx_size is 0
 *   rx, rx_size where the answer's payload goes, and its size, at most BPMP_CLIENT_MAX_PAYLOAD; NULL
 *               when rx_size is 0. All rx_size bytes are written in every case: what the answer
 *               doesn't fill is zero, and all is when an error of either kind is returned.
 *   bpmp_error  the BPMP error; set to 0 when the transport failed. Never NULL.
 *
 * Returns the transport status.
 */
int bpmp_client_transfer(bpmp_client *client, uint32_t mrq, const void *tx, size_t tx_size,
                         void *rx, size_t rx_size, int32_t *bpmp_error);

/*
 * As bpmp_client_transfer(), with a time-out of its own for this request: for a caller that has spent
 * some of its time already. 0 means the client's; BPMP_CLIENT_MAX_TIMEOUT_MS at most.
 */
int bpmp_client_transfer_within(bpmp_client *client, uint32_t timeout_ms, uint32_t mrq,
                                const void *tx, size_t tx_size, void *rx, size_t rx_size,
                                int32_t *bpmp_error);

/*
 * What became of a request that was submitted.
 *
 *   status      the transport status
 *   bpmp_error  the BPMP error; 0 when `status` is not
 *   rx, rx_size the answer, valid during the call; as many bytes as were asked for when both errors
 *               are 0, else none
 */
typedef void bpmp_client_done(void *opaque, int status, int32_t bpmp_error, const void *rx,
                              size_t rx_size);

/*
 * Sends one request without waiting. `tx` is copied. `done` is called exactly once if this returns
 * 0, possibly before it returns and possibly in the caller's thread, and never otherwise. Requests
 * of one thread reach the broker in their order; answers may come in another.
 *
 * `timeout_ms` is at most BPMP_CLIENT_MAX_TIMEOUT_MS; 0 means the client's own. Returns 0, or -EINVAL,
 * -EBUSY, -ENOMEM, -ESHUTDOWN.
 */
int bpmp_client_submit(bpmp_client *client, uint32_t mrq, const void *tx, size_t tx_size,
                       size_t rx_size, uint32_t timeout_ms, bpmp_client_done *done, void *opaque);

/*
 * The guest machine was reset: all that it holds is released, and its identity kept. Requests made
 * after this wait for the release. Waits for it, at most the client's time-out.
 *
 * Returns 0, or a transport status; the reset isn't lost then: the broker hears of it before any
 * later request, when it is back.
 */
int bpmp_client_reset(bpmp_client *client);

/*
 * As bpmp_client_reset(), without waiting: `done` (may be NULL) is called as by bpmp_client_submit(),
 * with no answer bytes. Returns 0, -ENOMEM or -ESHUTDOWN.
 */
int bpmp_client_reset_async(bpmp_client *client, bpmp_client_done *done, void *opaque);

/*
 * Ends the session and frees the client. Requests that wait end with -ESHUTDOWN first, and no
 * callback runs after this has returned. Waits for the library's threads and never for the broker.
 * The VM itself is released by the broker when this process ends. NULL is allowed.
 */
void bpmp_client_close(bpmp_client *client);

/* A short English text for a transport status ("no answer in time"). Static; never NULL. */
const char *bpmp_client_strerror(int status);

/* A short English text for a BPMP error ("EACCES: not permitted by the broker's policy"). Static;
 * never NULL. */
const char *bpmp_client_bpmp_strerror(int32_t bpmp_error);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* BPMP_CLIENT_H */
