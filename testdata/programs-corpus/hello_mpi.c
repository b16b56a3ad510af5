// Two ranks that send each other a message and wait: the corpus looks at what Open MPI shares between them.
#include <mpi.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int rank, number = 42;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Sendrecv_replace(&number, 1, MPI_INT, !rank, 0, !rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    sleep(60);
    MPI_Finalize();
}
