// An X client that shares an image with its server by MIT-SHM, as every toolkit does: 200x100 pixels, a gradient.
#include <stdint.h>
#include <stdio.h>
#include <sys/shm.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

enum { WIDTH = 200, HEIGHT = 100 };

int main(void) {
    xcb_connection_t *connection = xcb_connect(NULL, NULL);
    xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(connection)).data;
    int shmid = shmget(IPC_PRIVATE, WIDTH * HEIGHT * 4, IPC_CREAT | 0600);
    uint32_t *pixels = shmat(shmid, NULL, 0);
    for (int at = 0; at < WIDTH * HEIGHT; at++)
        pixels[at] = 0xff000000u | (at / WIDTH) << 16 | (at % WIDTH) << 8 | 0x80;

    xcb_shm_seg_t segment = xcb_generate_id(connection);
    xcb_gcontext_t context = xcb_generate_id(connection);
    xcb_create_gc(connection, context, screen->root, 0, NULL);
    xcb_shm_attach(connection, segment, shmid, 0);
    xcb_void_cookie_t put = xcb_shm_put_image_checked(connection, screen->root, context, WIDTH, HEIGHT, 0, 0, WIDTH,
                                                      HEIGHT, 10, 20, screen->root_depth, XCB_IMAGE_FORMAT_Z_PIXMAP, 0,
                                                      segment, 0);
    if (xcb_request_check(connection, put))
        return 1;
    puts("ready");
    fflush(stdout);
    getchar();
}
