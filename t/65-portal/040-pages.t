# The page's files: their tags, what is not sent again, what is compressed.
# modes: plain palloc

use lib 't/lib', 't/65-portal';
use Test::More;
use Jamhook::Nginx;
use IO::Uncompress::Gunzip ();
use Portal;

my $nginx = Jamhook::Nginx->new(store => 1, server => q{
    location /jamhook/ { jamhook_portal; }
});

sub page {
    my ($path, @headers) = @_;

    return $nginx->send(request('GET', $path, undef, \@headers));
}

for my $path ('', 'app.js', 'app.css', 'icon.svg') {
    my $whole = page($path);
    my $tag = $whole->{headers}{etag};
    my $name = $path || 'the page';

    is $whole->{status}, 200, "$name is there";
    like $tag, qr/^"[^"]+"$/, '... with a tag';
    is length $whole->{body}, $whole->{headers}{'content-length'},
       '... and all of it';
    is $whole->{headers}{'accept-ranges'}, undef, '... not in ranges';

    my $head = $nginx->send(request('HEAD', $path));

    is "$head->{status} $head->{headers}{'content-length'} $head->{body}",
       "200 $whole->{headers}{'content-length'} ", '... HEAD tells its length';

    for my $with ($tag, "W/$tag", '*', "\"x\", $tag", "\"x\" ,W/$tag") {
        my $answer = page($path, "If-None-Match: $with");

        is $answer->{status}, 304, "... is not sent again to who has $with";
        is $answer->{body}, '', '... nothing of it';
        like $answer->{headers}{'cache-control'}, qr/^no-(?:store|cache)$/,
             '... with Cache-Control';
        ok $answer->{headers}{'content-security-policy'}, '... and the policy';
    }

    is page($path, 'If-None-Match: "x", "y"')->{status}, 200,
       '... but to who has another';

    my $gzip = page($path, 'Accept-Encoding: gzip');

    if (($gzip->{headers}{'content-encoding'} || '') eq 'gzip') {
        my $text;

        IO::Uncompress::Gunzip::gunzip(\$gzip->{body}, \$text);

        is $text, $whole->{body}, '... is the same when it is compressed';
        is $gzip->{headers}{etag}, "W/$tag", '... with a weak tag';
        is $gzip->{headers}{vary}, 'Accept-Encoding', '... and says so';
        ok length $gzip->{body} < length $text, '... and is smaller';

        my $answer = page($path, 'Accept-Encoding: gzip',
                          "If-None-Match: W/$tag");

        is $answer->{status}, 304, '... and is not sent again either';
    }
}

my %others = map { $_ => 1 }
             page('')->{body} =~ m{(?:src|href)=["']?(\w+://[^"'\s>]+)}g;

is_deeply \%others, {}, 'nothing is asked of another host';


# Vary, where nginx adds one of its own

ok $nginx->reload(server => q{
    gzip             on;
    gzip_vary        on;
    gzip_min_length  1;
    gzip_types       *;
    location /jamhook/ { jamhook_portal; }
}), 'gzip_vary on';

for my $path ('', 'app.js', 'app.css', 'icon.svg') {
    my $whole = page($path);
    my $name = $path || 'the page';

    for my $headers ([], ['Accept-Encoding: gzip'],
                     ["If-None-Match: $whole->{headers}{etag}"])
    {
        my $raw = page($path, @$headers)->{raw};
        my $body = index $raw, "\r\n\r\n";
        my @vary = substr($raw, 0, $body) =~ /^Vary: (.*?)\r?$/mig;

        is "@vary", 'Accept-Encoding',
           join ', ', "$name says it once", @$headers;
    }
}

$nginx->ends_well;
done_testing;
