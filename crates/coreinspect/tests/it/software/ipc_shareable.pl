# Variables tied to segments, as IPC::Shareable writes them; it attaches them only while it reads or writes, so this
# program attaches them itself. It prints what IPC::Shareable thaws, as JSON.
use strict;
use IPC::Shareable;
use IPC::SysV qw(shmat IPC_RMID);
use JSON::PP;

my %options = (create => 1, size => 65536);
tie my %hash, 'IPC::Shareable', { %options, key => 0x5a17e011 };
%hash = (
    name => 'alice', count => 42, byte => -3, big => 1234567890123, negative => -1234567890123, ratio => 3.25,
    nothing => undef, empty => '', utf8 => "caf\x{e9} \x{263a}", long => 'x' x 5000, list => [1, 2, 'x'],
);
tie my @array, 'IPC::Shareable', { %options, key => 0x5a17e012 };
@array = (1, 'two', -3.5, undef);
tie my $scalar, 'IPC::Shareable', { %options, key => 0x5a17e013 };
$scalar = 'a scalar';
tie my %json, 'IPC::Shareable', { %options, key => 0x5a17e014, serializer => 'json' };
%json = (name => 'bob', count => 7);

# The nested list stands in a segment of its own.
my $child = (tied @{ $hash{list} })->attributes('key');
for my $key (0x5a17e011 .. 0x5a17e014, $child) {
    my $id = shmget($key, 0, 0) // die "$key: $!";
    defined shmat($id, undef, 0) or die $!;
}
my $json = JSON::PP->new->canonical->allow_nonref->ascii;
my %plain = map { $_ => $_ eq 'list' ? [@{ $hash{list} }] : $hash{$_} } keys %hash;
printf "0x%08x\n", $child;
print $json->encode($_), "\n" for \%plain, [@array], $scalar, {%json};
$| = 1;
print "ready\n";
<STDIN>;
