/* One ClickHouse server: node LIBRARY OPTIONS. The library holds the whole program, and its entry
 * point is that of the command line. It ends when it is killed, or with the process that started it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void *command_line(int, char **);

/* A reset connection is told as one that ended. Started like this, and not as a server, ClickHouse
 * falls over a reset where it waits for the next question; an answer that is cut off is an error to
 * it either way.
 */
ssize_t recv(int socket, void *into, size_t size, int flags)
{
    ssize_t got = recvfrom(socket, into, size, flags, NULL, NULL);
    return got < 0 && errno == ECONNRESET ? 0 : got;
}

static void *watch(void *parent)
{
    while (getppid() == *(pid_t *)parent)
        usleep(200000);
    _exit(1);
}

int main(int count, char **words)
{
    pid_t parent = getppid();
    pthread_t watching;
    void *library = count > 1 ? dlopen(words[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    command_line *run = NULL;

    if (library)
        *(void **)&run = dlsym(library, "chdb_query_cmdline");
    if (!run || pthread_create(&watching, NULL, watch, &parent)) {
        fprintf(stderr, "it cannot start: %s\n", dlerror());
        return 2;
    }
    words[1] = "clickhouse";
    run(count - 1, words + 1);
    return 1;
}
