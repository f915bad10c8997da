/* A disk whose syncs fail or hang while the file named by LICTOR_TEST_SYNC_FAULT exists: "fail" or "hang" in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char fault(void)
{
    const char *path = getenv("LICTOR_TEST_SYNC_FAULT");
    char first = 0;
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return 0;
    if (read(file, &first, 1) != 1)
        first = 0;
    close(file);
    return first;
}

static int sync_by(const char *name, int descriptor)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    while (fault() == 'h')
        usleep(10000);
    if (fault() == 'f') {
        errno = EIO;
        return -1;
    }
    return real(descriptor);
}

int fdatasync(int descriptor) { return sync_by("fdatasync", descriptor); }
int fsync(int descriptor) { return sync_by("fsync", descriptor); }
