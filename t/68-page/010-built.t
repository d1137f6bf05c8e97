# The page that is built into the module is what its sources give, and keeps to
# what is promised of it: small, and with nothing from another host.
#
# modes: plain

use strict;
use warnings;

use Compress::Zlib qw(memGunzip);
use Digest::SHA qw(sha256_hex);
use Test::More;

my $built = 'src/front/ngx_http_jamhook_page.c';
my $anew = 'build/page/anew.c';

my $said = `t/tools/page.sh $anew 2>&1`;
is $?, 0, 'the page can be built' or BAIL_OUT($said);
is $said, '', 'and there is nothing to say about it';

sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "$file: $!";
    local $/;

    return scalar <$fh>;
}

# the pages in a C file, by name
sub pages {
    my ($source) = @_;

    my %array;

    while ($source =~ /^static u_char  (\w+)\[\] = \{\n(.*?)\n\};/msg) {
        my ($name, $bytes) = ($1, $2);
        $array{$name} = pack 'C*', $bytes =~ /\d+/g;
    }

    my %page;

    while ($source =~ /^\ {4}\{\ ngx_string\("([^"]*)"\),
                       \s+ngx_string\("([^"]*)"\),
                       \s+ngx_string\("((?:[^"\\]|\\.)*)"\),
                       \s+\{\ sizeof\((\w+)\),\s+\4\ \},
                       \s+(?:\{\ sizeof\((\w+)\),\s+\5\ \}|ngx_null_string)
                       \ \},$/xmg)
    {
        my ($name, $type, $etag, $text, $gzip) = ($1, $2, $3, $4, $5);

        $page{$name} = { type => $type, etag => $etag =~ s/\\//gr,
                         text => $array{$text},
                         $gzip ? (gzip => $array{$gzip}) : () };
    }

    return %page;
}

# all of a C file but for the compressed bytes, which zlib's version decides on
sub without_gzip {
    my ($source) = @_;

    return $source =~ s/^(static u_char  \w+_gzip\[\] = \{\n).*?\n\};/$1};/msgr;
}

my %is = pages(slurp($built));
my %should = pages(slurp($anew));

is_deeply [sort keys %is], [sort keys %should], 'its files';
ok exists $is{$_}, "there is \"$_\"" for '', qw(app.js app.css icon.svg);

for my $name (sort keys %should) {
    my ($is, $should) = ($is{$name} // {}, $should{$name});
    my $shown = $name || 'the page itself';

    ok $is->{text} eq $should->{text}, "$shown is what its sources give"
        or diag 'make page';
    is $is->{type}, $should->{type}, "$shown: type";
    is $is->{etag}, '"' . substr(sha256_hex($is->{text}), 0, 16) . '"',
       "$shown: ETag";

    next if !$is->{gzip};

    my $gzip = $is->{gzip};
    ok memGunzip($gzip) eq $is->{text}, "$shown: the same compressed";
    cmp_ok length $is->{gzip}, '<', length $is->{text}, "$shown: smaller so";
}

ok without_gzip(slurp($built)) eq without_gzip(slurp($anew)),
   'the C file around them is the same, too' or diag 'make page';

# what is promised

my @sent = grep { $_ ne 'api/openapi.json' } keys %is;
my $size = 0;
$size += length($is{$_}{gzip} // $is{$_}{text}) for @sent;
cmp_ok $size, '<', 60 * 1024, 'what is sent to a browser';
note "$size bytes";

for my $name (@sent) {
    my $text = $is{$name}{text};

    # names of XML and an address to click on are not requests
    my @hosts = grep { !m{^http://www\.w3\.org/} }
                $text =~ m{\b(?:https?|wss?)://[\w.-]+[^\s"'`)]*}g;
    is_deeply [grep { !m{^https://your-host} } @hosts], [],
              "\"$name\" names no other host";
}

unlike $is{''}{text}, qr/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/i,
       'no script and no style within the page';

my @sources = split /\n/, `find src/front/page/src -name '*.js*'`;
cmp_ok scalar @sources, '>', 20, 'there are sources';

for my $file (@sources) {
    unlike slurp($file), qr/innerHTML|outerHTML|insertAdjacentHTML
                            |dangerously|document\.write|\beval\b
                            |new\ Function/x,
           "$file makes no markup of text";
}

my $npm = slurp('src/front/page/package.json');
my @versions = $npm =~ /"devDependencies": \{([^}]*)\}/
               ? $1 =~ /: "([^"]+)"/g : ();
ok @versions > 0 && !(grep { !/^\d+\.\d+\.\d+$/ } @versions),
   'versions are pinned';

done_testing;
