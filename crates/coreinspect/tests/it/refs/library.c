/* A library with pointers in .data and far behind its file; it hands out where, so that the program gets no copy of them. */
static void *library_data = (void *)1;
static void *library_far[0x4000];

void **data_of_library(void)
{
	return &library_data;
}

void **far_in_library(void)
{
	return &library_far[0x3f00];
}
