# A value that needs three segments of a page, and one that needs a part of one. IPC::ShareLite keeps them attached.
use strict;
use IPC::ShareLite;
use Encode;
use JSON::PP;

my @options = (-create => 1, -size => 4096, -mode => 0600);
my $long = IPC::ShareLite->new(-key => 0x5a17e001, @options) or die $!;
$long->store("an older value");
$long->store(join "", map { sprintf "line %04d\n", $_ } 1 .. 1000);
my $short = IPC::ShareLite->new(-key => 0x5a17e101, @options) or die $!;
$short->store("caf\xc3\xa9");

for my $share ($long, $short) {
    print encode_json({
        length => length $share->fetch, version => $share->version + 0, segments => $share->num_segments,
        start => decode('UTF-8', substr($share->fetch, 0, 40)),
    }), "\n";
}
$| = 1;
print "ready\n";
<STDIN>;
