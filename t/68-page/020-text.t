# The page's own hands on what comes from outside: JSON is made readable without
# being changed, and only web addresses become links.
#
# modes: plain

use strict;
use warnings;

use JSON::PP;
use Test::More;

# what a function of the page's makes of each of the arguments
sub page {
    my ($file, $function, @arguments) = @_;

    local $ENV{ARGUMENTS} = encode_json(\@arguments);

    my $said = `node --no-warnings --input-type=module -e '
        import { readFileSync } from "node:fs";
        const source = readFileSync("src/front/page/src/$file", "utf8");
        const at = "data:text/javascript," + encodeURIComponent(source);
        const { $function: f } = await import(at);
        const all = JSON.parse(process.env.ARGUMENTS);
        console.log(JSON.stringify(all.map((args) => f(...args))));
    '`;
    is $?, 0, "$function() of $file runs" or return [];

    return decode_json($said);
}

my %readable = (
    '{"n":12345678901234567890,"n":1.50,"1":0,"0":1e2}' =>
        qq({\n  "n": 12345678901234567890,\n  "n": 1.50,\n  "1": 0,\n)
        . qq(  "0": 1e2\n}),
    '[{},[ ],"a\"{[,:\\\\",null]' =>
        qq([\n  {},\n  [],\n  "a\\"{[,:\\\\",\n  null\n]),
    ' {"a" : [1,{"b":true}]} ' =>
        qq({\n  "a": [\n    1,\n    {\n      "b": true\n    }\n  ]\n}),
    '"\u003cscript>"' => '"\u003cscript>"',
    '{"a":' => undef,
    'text' => undef,
    '' => undef,
);

my @texts = sort keys %readable;
my $made = page('json.js', indent => map { [$_] } @texts);
is $made->[$_], $readable{$texts[$_]}, "readable: $texts[$_]" for 0 .. $#texts;

my %link = (
    'https://jam.dev/c/1' => 'https://jam.dev/c/1',
    'http://x/?a=<b>' => 'http://x/?a=%3Cb%3E',
    'javascript:alert(1)' => undef,
    " java\nscript:alert(1)" => undef,
    'data:text/html,x' => undef,
    'file:///etc/passwd' => undef,
    '//host/path' => undef,
    '/path' => undef,
    '' => undef,
);

my @urls = sort keys %link;
$made = page('links.js', webUrl => map { [$_] } @urls);
is $made->[$_], $link{$urls[$_]}, "a link or none: " . $urls[$_] =~ s/\n/ /r
    for 0 .. $#urls;

is_deeply page('links.js', conversationUrl => ['https://i/c/', '1'],
               ['https://i/c/', '../x?y#z'], [undef, '1'], ['https://i/', undef],
               ['javascript:', '1']),
          ['https://i/c/1', 'https://i/c/..%2Fx%3Fy%23z', undef, undef, undef],
          'an id is one part of the address of a conversation';

done_testing;
